import { describe, expect, it } from 'vitest';
import { paperInputs } from '../../src/cli/paperInputs.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { energyRows, fittedCoefficients } from '../../src/papers/energy.ts';
import { isOutside } from '../../src/papers/index.ts';
import { hardware } from '../hw/models.ts';

const inputs = paperInputs();
const energy = hardware('kv260').energy as NonNullable<HardwareModel['energy']>;

describe('the energy of kv260', () => {
  it('has the two coefficients that the two measured powers give', () => {
    const { boardWatts, fabricFactor } = fittedCoefficients(energy);
    expect(energy.boardWatts).toBeCloseTo(boardWatts, 3);
    expect(energy.fabricFactor).toBeCloseTo(fabricFactor, 3);
  });

  it('gives the two powers again, and predicts the third within its tolerance', () => {
    const rows = energyRows(energy, inputs);
    expect(rows.map(({ kind }) => kind)).toEqual(['fitted', 'fitted', 'predicted']);
    expect(rows.filter(isOutside)).toEqual([]);
    for (const { kind, ratio } of rows) if (kind === 'fitted') expect(ratio).toBeCloseTo(1, 3);
  });

  it('is outside where a coefficient is far off', () => {
    expect(energyRows({ ...energy, boardWatts: 5 }, inputs).filter(isOutside)).toHaveLength(3);
    expect(energyRows({ ...energy, memoryByte: 400 }, inputs).filter(isOutside)).toHaveLength(2);
  });
});
