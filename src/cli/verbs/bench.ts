/** `lutra bench`: tables that compare the simulation with what others measured or published. */
import { type Command, Option } from 'commander';
import { examples } from '../examples.ts';
import { addHardwareOptions, collect, integer } from '../options.ts';
import { benchAblationsVerb } from './bench/ablations.ts';
import { benchEnergyVerb } from './bench/energy.ts';
import { benchMemoryVerb } from './bench/memory.ts';
import { benchPapersVerb } from './bench/papers.ts';
import { benchSpeedVerb } from './bench/speed.ts';

/** Adds the verb; each table is a subcommand with a file of its own in `bench/`. */
export function addBench(program: Command, done: (code: number) => void): void {
  const bench = program
    .command('bench')
    .summary('compare the simulation with published and measured figures')
    .description('Print tables of published or measured figures beside the simulated ones.')
    .helpCommand(false)
    .addHelpText('after', examples('lutra bench papers'));
  bench
    .command('papers')
    .summary('published machines: their figures beside the simulated ones')
    .description(
      'Published machines: their figures beside the simulated ones, or the simulation at any other point. Exit code 1 when a figure is outside of its tolerance.',
    )
    .addOption(new Option('--machine <name>', 'only this machine (repeatable)').argParser(collect).default([], 'all'))
    .option('--context <positions>', 'instead: one decode step that attends to that many positions', integer(1))
    .option('--prompt <tokens>', 'instead: the time to the first token of a prompt of that length', integer(1))
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      examples(
        'lutra bench papers',
        'lutra bench papers --machine flightllm-vhk158 --context 1024 --prompt 256',
        'lutra bench papers --json',
      ),
    )
    .action((options) => done(benchPapersVerb(options)));
  const memory = bench
    .command('memory')
    .summary('what was measured of a KV260’s memory beside the model')
    .description(
      'Rates that were measured on a KV260 beside those of the memory model, and the rates of layouts of weight tiles. Exit code 1 when one is outside of its tolerance.',
    );
  addHardwareOptions(memory, 'hw-models/kv260.json')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra bench memory', 'lutra bench memory --set memory.reorderLimit=0'))
    .action((options) => done(benchMemoryVerb(options)));
  const energy = bench
    .command('energy')
    .summary('measured powers of a board beside the estimates')
    .description(
      'Powers that were measured on a board beside the estimates of its hardware model. Exit code 1 when one is outside of its tolerance.',
    );
  addHardwareOptions(energy, 'hw-models/kv260.json')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra bench energy', 'lutra bench energy --set energy.memoryByte=160'))
    .action((options) => done(benchEnergyVerb(options)));
  bench
    .command('ablations')
    .summary('design decisions, each taken in several ways')
    .description(
      'Design decisions that papers report, each taken in several ways on the flagship, with the switch of lutra run.',
    )
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra bench ablations'))
    .action((options) => done(benchAblationsVerb(options)));
  bench
    .command('speed')
    .summary('how fast this host simulates')
    .description(
      'How fast this host simulates: its memory, each kernel, tokens and cycles per second of wall time, start-up and memory. All figures are measured in this one run, which takes some minutes; the first one also packs models and builds Verilog.',
    )
    .option('--quick', 'only the small model, for a few seconds: rough figures')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra bench speed', 'lutra bench speed --quick --json'))
    .action(async (options) => done(await benchSpeedVerb(options)));
}
