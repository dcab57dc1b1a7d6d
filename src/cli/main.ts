/** The command line: verbs, help, errors, exit codes. */
import { Argument, Command, CommanderError } from 'commander';
import { exitCodes, oneLine } from '../base/diagnostics.ts';
import { completionScript, type Shell, shells } from './completion.ts';
import { examples } from './examples.ts';
import { discardUnfinished, lutraVersion } from './files.ts';
import {
  addCompileOptions,
  addCosimOptions,
  addDebugOptions,
  addHardwareOptions,
  addHostOptions,
  addRtlOptions,
  addRunOptions,
  setOption,
} from './options.ts';
import { print, printNote, reportError, watchStdout } from './output.ts';
import { asmVerb, disasmVerb } from './verbs/asm.ts';
import { addBench } from './verbs/bench.ts';
import { checkVerb } from './verbs/check.ts';
import { compileVerb } from './verbs/compile.ts';
import { cosimVerb } from './verbs/cosim.ts';
import { debugVerb } from './verbs/debug.ts';
import { diffVerb } from './verbs/diff.ts';
import { hostVerb } from './verbs/host.ts';
import { reportVerb } from './verbs/report.ts';
import { rtlVerb } from './verbs/rtl.ts';
import { runVerb } from './verbs/run.ts';

/** Runs the command line as a process: the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  watchStdout();
  process.exitCode = await execute(argv);
}

/** Runs one command line and returns its exit code; speaks on stdout and stderr. */
export async function execute(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.ok;
  const program = commandLine((result) => {
    code = result;
  });
  try {
    if (argv.length === 0) program.error('no verb given', { code: 'lutra.noVerb' });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    discardUnfinished();
    if (!(error instanceof CommanderError)) return reportError(error);
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

const exitCodeHelp = `
Exit codes: 0 done; 1 the answer is no (check failed, cycle limit, deadlock); 2 wrong use;
3 bad input; 4 an outside tool is missing or failed; 70 a fault of lutra; 130 interrupted.`;

function commandLine(done: (code: number) => void): Command {
  const program = new Command('lutra')
    .description('Compile a language model for a table-lookup FPGA accelerator and run it cycle by cycle.')
    .version(lutraVersion(), '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: print, outputError: (text) => printNote(usageError(text)) })
    .showSuggestionAfterError()
    .addHelpText('after', exitCodeHelp);
  addRun(program, done);
  addReport(program, done);
  addDiff(program, done);
  addCheck(program, done);
  addCompile(program, done);
  addAsm(program, done);
  addRtl(program, done);
  addCosim(program, done);
  addHost(program, done);
  addDebug(program, done);
  addBench(program, done);
  addCompletion(program, done);
  return program.helpCommand(false);
}

/** Commander’s message in the form of all others. */
function usageError(text: string): string {
  const [, message = text, suggestion] = /^(?:error: )?(.*?)(?:\n\((.*)\))?\n?$/s.exec(text) ?? [];
  const hint = suggestion === undefined ? 'lutra --help shows the verbs and options' : lowerFirst(suggestion);
  const plain = message.replace(/ argument ('.*') is invalid\. (it takes|Allowed)/s, ': $1 does not fit; $2');
  return oneLine(`error[CLI001] ${plain.replace(/\.$/, '')} (${hint})`);
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

const programHardware = 'the one that a .lasm file names in a comment “; hw: NAME”, else hw-models/kv260.json';

function addRun(program: Command, done: (code: number) => void): void {
  const command = program
    .command('run')
    .summary('run a model and stream its text, then say where the cycles went')
    .description('Run a model directory, a program image or a .lasm program on a simulated machine, cycle by cycle.')
    .argument('[program]', 'model directory, config.json, program image or .lasm file (default: the embedded model)');
  addCompileOptions(addRunOptions(addHardwareOptions(command, programHardware)))
    .addHelpText(
      'after',
      examples(
        'lutra run',
        'lutra run --prompt "Tom had a red ball." --max-tokens 64 --out runs/tom',
        'lutra run --set memory.ports=2 --json',
        'lutra run bitnet/config.json --timing-only --prompt-tokens 64 --max-tokens 8',
        'lutra run stories.img --temperature 0.7 --seed 3',
        'lutra run programs/norm.lasm',
      ),
    )
    .action(async (target, options) => done(await runVerb(target, options)));
}

function addReport(program: Command, done: (code: number) => void): void {
  program
    .command('report')
    .summary('say what bounds a run, and where its cycles went')
    .description(
      'Say in sentences what bounds a run, which unit waits for which, where the cycles went, and which change of the machine would gain how much.',
    )
    .argument('<run>', 'run directory that lutra run --out made')
    .option('--html <file>', 'write a page with plots and tables that needs nothing else')
    .option('--force', 'replace an existing page')
    .option('--no-advice', 'time no changed machines')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      examples('lutra report runs/tom', 'lutra report runs/tom --html tom.html', 'lutra report runs/tom --json'),
    )
    .action(async (directory, options) => done(await reportVerb(directory, options)));
}

function addDiff(program: Command, done: (code: number) => void): void {
  program
    .command('diff')
    .summary('say what changed from one run to another')
    .description(
      'Compare two run directories: machine, options, speed, bytes, energy, and the cycles of every unit by class, layer and operation; the largest changes first.',
    )
    .argument('<a>', 'run directory')
    .argument('<b>', 'run directory to compare with it')
    .option('--html <file>', 'write a page with a plot and tables that needs nothing else')
    .option('--force', 'replace an existing page')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      examples(
        'lutra run --out runs/four-lanes',
        'lutra run --set vector.lanes=8 --out runs/eight-lanes',
        'lutra diff runs/four-lanes runs/eight-lanes',
        'lutra diff runs/four-lanes runs/eight-lanes --html lanes.html',
      ),
    )
    .action(async (a, b, options) => done(await diffVerb(a, b, options)));
}

function addCheck(program: Command, done: (code: number) => void): void {
  program
    .command('check')
    .summary('check hardware models and say what they can do')
    .description('Check hardware models: rates, buffers, latencies and an estimate of resources, or every fault.')
    .argument('<hw...>', 'hardware models')
    .addOption(setOption())
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      examples('lutra check hw-models/kv260.json', 'lutra check my.json --set matmul.columns=16 --json'),
    )
    .action((files, options) => done(checkVerb(files, options)));
}

function addCompile(program: Command, done: (code: number) => void): void {
  const command = program
    .command('compile')
    .summary('compile a model to a program image')
    .description('Compile a model to a program image for one machine, and print the plan.')
    .argument('<model>', 'model directory, or a config.json with --weights or --timing-only');
  addCompileOptions(addHardwareOptions(command, 'hw-models/kv260.json'))
    .requiredOption('-o, --out <image>', 'program image to write')
    .option('--force', 'replace an existing image')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      examples(
        'lutra compile models/tern-stories-5m -o stories.img',
        'lutra compile bitnet/config.json --weights synthetic:1 --hw hw-models/kv260.json -o bitnet.img',
      ),
    )
    .action(async (model, options) => done(await compileVerb(model, options)));
}

function addAsm(program: Command, done: (code: number) => void): void {
  const asm = program
    .command('asm')
    .summary('assemble a hand-written program')
    .description('Assemble a program for one machine, verify it and write a program image.')
    .argument('<file>', 'assembly text');
  addHardwareOptions(asm, programHardware)
    .requiredOption('-o, --out <image>', 'program image to write')
    .option('--force', 'replace an existing image')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra asm program.lasm -o program.img', 'lutra run program.img'))
    .action(async (file, options) => done(await asmVerb(file, options)));
  program
    .command('disasm')
    .summary('print a program image as assembly text')
    .description('Print the program of an image as assembly text; assembling it gives the same instructions.')
    .argument('<image>', 'program image')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', examples('lutra disasm stories.img | less'))
    .action((file, options) => done(disasmVerb(file, options)));
}

function addRtl(program: Command, done: (code: number) => void): void {
  const command = program
    .command('rtl')
    .summary('write the accelerator as Verilog')
    .description(
      'Write the Verilog of a hardware model: one module per file, equal to the simulated machine; with --export in a project for Vivado, Vitis, Quartus or FuseSoC. Or print what it costs.',
    );
  addRtlOptions(addHardwareOptions(command, 'hw-models/kv260.json'))
    .addHelpText(
      'after',
      examples(
        'lutra rtl --hw hw-models/tiny.json -o build/tiny',
        'lutra rtl --export all -o build/kv260',
        'lutra rtl --hw hw-models/mid.json --export vitis --board U280 -o build/u280',
        'lutra rtl --hw hw-models/tiny.json --resources',
        'lutra rtl --resources --unit matmul --unit vector --set matmul.columns=4',
        'lutra rtl --hw hw-models/tiny.json --place --unit matmul --unit dma',
      ),
    )
    .action(async (options) => done(await rtlVerb(options)));
}

function addCosim(program: Command, done: (code: number) => void): void {
  const command = program
    .command('cosim')
    .summary('run the Verilog beside the machine and compare every cycle')
    .description(
      'Run a program on the simulated machine and on its Verilog side by side: every stamp of every instruction, every memory burst, all memory and all counters must be equal.',
    )
    .argument('[program]', 'model directory, config.json, program image or .lasm file (default: the embedded model)');
  addCompileOptions(addCosimOptions(addHardwareOptions(command, programHardware)))
    .addHelpText(
      'after',
      examples(
        'lutra cosim programs/norm.lasm',
        'lutra cosim --hw hw-models/tiny.json --max-tokens 4',
        'lutra cosim programs/attention.lasm --disturb 7 --waveform difference.vcd',
        'lutra cosim programs/norm.lasm --faults 100',
        'lutra cosim --unit f32_add --vectors f32_add.txt',
      ),
    )
    .action(async (target, options) => done(await cosimVerb(target, options)));
}

function addHost(program: Command, done: (code: number) => void): void {
  const command = program
    .command('host')
    .summary('drive an accelerator: load a program, stream its text, read its counters')
    .description(
      'Be the host of an accelerator at its registers, as on a board: load a program into memory, start it, stream its text, read its counters. The accelerator is simulated, or on a board behind a bridge.',
    )
    .argument('[program]', 'model directory, config.json, program image or .lasm file (default: the embedded model)');
  addCompileOptions(addHostOptions(addHardwareOptions(command, programHardware)))
    .addHelpText(
      'after',
      examples(
        'lutra host',
        'lutra host stories.img --prompt "Tom had a red ball." --verify --watchdog 1000000',
        'lutra host --hw hw-models/mid.json --device verilog --max-tokens 2',
        'lutra host --self-test --hw hw-models/tiny.json --device verilog',
        'lutra host --device bridge --bridge "ssh root@kria python3 lutra_bridge.py" --status',
      ),
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 the run halted (with --self-test: it passed; with --stop: nothing runs); 1 the run was stopped by the
hardware, no token came in time, tokens were lost, memory or a register gives back something else, machine and Verilog
differ, or the self-test failed; 3 the program is for another machine or does not fit; 4 there is no accelerator behind
the device, its registers have another version, or a tool is missing; 130 interrupted, and stopped on the device.`,
    )
    .action(async (target, options) => done(await hostVerb(target, options)));
}

function addDebug(program: Command, done: (code: number) => void): void {
  const command = program
    .command('debug')
    .summary('stop a run anywhere, look at everything, go back')
    .description(
      'Run a program under a debugger: step by cycle, instruction or token, break on labels, units, addresses and stalls, look at registers, queues, semaphores, buffers and tables, and go back. Commands come from a terminal, from standard input or from a file; help lists them.',
    )
    .argument('[program]', 'model directory, config.json, program image or .lasm file (default: the embedded model)');
  addCompileOptions(addDebugOptions(addHardwareOptions(command, programHardware)))
    .addHelpText(
      'after',
      examples(
        'lutra debug programs/semaphores.lasm',
        'lutra debug --prompt "Tom had a red ball."',
        "printf 'break stall 500 matmul\\ncontinue\\nwaits\\n' | lutra debug",
        'lutra debug programs/norm.lasm -x commands.txt --strict',
      ),
    )
    .action(async (target, options) => done(await debugVerb(target, options)));
}

function addCompletion(program: Command, done: (code: number) => void): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Print a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', examples('eval "$(lutra completion bash)"', 'lutra completion fish | source'))
    .action((shell: Shell) => {
      print(completionScript(program, shell));
      done(exitCodes.ok);
    });
}
