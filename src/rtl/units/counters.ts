import { issueUnits } from '../../isa/table.ts';
import { counterClasses } from '../counterClasses.ts';

/** `unit` of `counters.sv.hbs`: names for its comments. */
export function countersContext(): Record<string, unknown> {
  return {
    unitNames: issueUnits.join(', '),
    classNames: counterClasses.map((names, index) => `${index} ${names.join(' or ')}`).join(', '),
  };
}
