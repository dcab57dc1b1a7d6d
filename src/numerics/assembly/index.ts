/** The machine's arithmetic as kernels. `src/numerics/*.ts` say what each computes; these give the same bits. */
import { address, word } from './access';
import { convertLevels, convertTernary } from './convert';
import {
  copyBytes,
  copyFrom,
  copyTo,
  opConvertLevels,
  opConvertTernary,
  opCopy,
  opLevelProduct,
  opTernaryProduct,
  recordOpcode,
} from './layout';
import { levelProduct } from './levels';
import { ternaryProduct } from './ternary';

/** Does chunk `chunk` of the operation at `record`, with the scratch memory of `thread`. */
export function execute(machine: usize, record: usize, chunk: i32, thread: i32): void {
  switch (word(record, recordOpcode)) {
    case opTernaryProduct:
      ternaryProduct(machine, record, chunk);
      return;
    case opLevelProduct:
      levelProduct(machine, record, chunk);
      return;
    case opConvertTernary:
      convertTernary(machine, record, chunk, thread);
      return;
    case opConvertLevels:
      convertLevels(machine, record, chunk, thread);
      return;
    case opCopy:
      memory.copy(address(record, copyTo), address(record, copyFrom), address(record, copyBytes));
      return;
    default:
      unreachable();
  }
}
