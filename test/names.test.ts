import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hardwareModelSchema } from '../src/hw/schema.ts';
import { instructionTable, issueUnits, passiveUnits } from '../src/isa/index.ts';

const units = [...issueUnits, ...passiveUnits].sort();

/** Names of the files in a folder that end in `ending`, without it. */
function files(folder: string, ending: string): string[] {
  return readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

/** Templates of what is around the units. */
const surroundings = ['buffers', 'control', 'decoder', 'lutra'];

/** Fields of a hardware model that describe no unit. */
const general = ['$schema', 'name', 'description', 'notes', 'board', 'host', 'energy', 'clockHz'];

describe('a unit has one name everywhere', () => {
  it('in the hardware model', () => {
    const sections = Object.keys(hardwareModelSchema.shape).filter((name) => !general.includes(name));
    expect(sections.sort()).toEqual(units);
  });

  it('among the sources of the machine', () => {
    expect(files('src/machine/units', '.ts')).toEqual(units);
  });

  it('among the tests of the machine', () => {
    expect(files('test/machine/units', '.test.ts')).toEqual(units);
  });

  it('among the Verilog templates', () => {
    expect(files('rtl-templates', '.sv.hbs')).toEqual([...units, ...surroundings].sort());
  });

  it('in the instruction set: units with a queue have instructions, the others none', () => {
    const named = new Set<string>(instructionTable.map(({ unit }) => unit));
    expect([...named].sort()).toEqual([...issueUnits].sort());
    for (const { name, unit } of instructionTable) {
      const prefix = name.includes('.') ? name.slice(0, name.indexOf('.')) : 'frontEnd';
      expect(prefix, name).toBe(unit);
    }
  });
});
