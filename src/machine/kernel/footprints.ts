import { LutraError } from '../../base/diagnostics.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { attentionShape, type Footprint, machineShape, outOfBounds, resolvedFootprint } from '../../isa/footprint.ts';
import { operandFault } from '../../isa/rules.ts';
import type { Command } from './command.ts';
import { type Configured, unconfigured } from './configured.ts';

/**
 * What each command touches, its operands and bounds checked. Commands must come in the order in which they start, as `attend` reads
 * what the last `configure` named. Without values a data address is unknown and is not checked.
 */
export function createFootprints(
  hw: HardwareModel,
  values: boolean,
  configured: Configured = unconfigured(),
): (command: Command) => readonly Footprint[] {
  const shape = machineShape(hw);
  const { activationBanks, activationElements } = hw.vector;
  const bankElements = activationElements / activationBanks;
  return (command) => {
    const { spec } = command;
    if (spec.name === 'attention.configure') configured.attention = command.values;
    const attention = configured.attention && attentionShape(configured.attention);
    const broken = operandFault(spec, command.values, shape, attention);
    if (broken !== undefined) throw operandError(command, `: ${broken}`);
    let footprints = resolvedFootprint(spec, command.values, shape, attention);
    if (!values && spec.dataAddress) footprints = footprints.filter(({ space }) => space !== 'ddr');
    const fault = outOfBounds(footprints, shape);
    if (fault !== undefined) throw operandError(command, ` ${fault}`);
    const crossing = footprints.find(({ space, begin, end }) => space === 'act' && crosses(begin, end, bankElements));
    if (crossing !== undefined) {
      const { begin, end } = crossing;
      throw operandError(command, ` touches act elements ${begin} to ${end - 1}, which lie in two banks`);
    }
    return footprints;
  };
}

/** Ports of one bank are held, that of the operand's first element. */
function crosses(begin: number, end: number, bankElements: number): boolean {
  return end > begin && Math.floor(begin / bankElements) !== Math.floor((end - 1) / bankElements);
}

function operandError(command: Command, fault: string): LutraError {
  return new LutraError({
    code: 'MCH006',
    message: `instruction ${command.pc} (${command.spec.name})${fault}`,
    hint: 'where an operand comes from a register, look at what the program put there',
  });
}
