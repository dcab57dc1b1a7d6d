/** The shape of `timeline.json`, to read one back. */
import { z } from 'zod';
import { type Timeline, timelineSchema } from './timeline.ts';

const whole = z.int().min(0);
const bins = z.array(whole);
const classCycles = z.record(z.string(), z.record(z.string(), whole));
const layers = z.array(z.object({ layer: z.int().min(-1), operation: z.string(), units: classCycles }));

const closeUp = z.object({
  token: whole.nullable(),
  from: whole,
  to: whole,
  complete: z.boolean(),
  classes: z.array(z.string()),
  instructions: z.array(z.object({ pc: whole, name: z.string() })),
  marks: z.array(z.object({ layer: z.int(), operation: z.string() })),
  units: z.record(
    z.string(),
    z.object({ from: whole, spans: z.array(z.tuple([z.int().min(1), whole, z.int().min(-1), whole])) }),
  ),
});

/** Fields that it does not know are left out, so that a timeline may grow. */
export const timelineShape: z.ZodType<Timeline> = z
  .object({
    schema: z.literal(timelineSchema),
    cycles: whole,
    binCycles: z.int().min(1),
    units: z.record(z.string(), z.record(z.string(), bins)),
    bytes: z.record(z.string(), bins),
    memoryBusy: bins,
    layers,
    decode: z.object({ from: whole, to: whole, units: classCycles, layers, memoryBusy: whole }).nullable(),
    tokens: z.array(z.object({ token: whole, cycle: whole })),
    memoryMap: z.array(z.object({ name: z.string(), kind: z.string(), address: whole, bytes: whole })),
    closeUp,
  })
  .superRefine((timeline, context) => {
    const wrong = (message: string) => context.addIssue({ code: 'custom', message });
    const count = Math.ceil(timeline.cycles / timeline.binCycles);
    const rows = [
      ...Object.values(timeline.units).flatMap((row) => Object.values(row)),
      ...Object.values(timeline.bytes),
    ];
    if ([...rows, timeline.memoryBusy].some((row) => row.length !== count)) wrong(`a row has not ${count} bins`);
    const { units, classes, instructions, marks } = timeline.closeUp;
    const outside = Object.values(units).some(({ spans }) =>
      spans.some((span) => span[1] >= classes.length || span[2] >= instructions.length || span[3] >= marks.length),
    );
    if (outside) wrong('a span of the close-up names something that is not listed');
  });
