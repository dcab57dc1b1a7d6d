/** The machine's arithmetic as kernels. `src/numerics/*.ts` say what each computes; these give the same bits. */
import { address, word } from './access';
import { attend } from './attention';
import { convertLevels, convertTernary } from './convert';
import * as layout from './layout';
import { levelProduct } from './levels';
import { append, scan } from './lists';
import { loadFloats, storeFloats } from './moves';
import { norm, quantise } from './quantise';
import { dequantise, elementwise, gate, rope } from './rows';
import { ternaryProduct } from './ternary';

export { serve } from './queue';

/** Does chunk `chunk` of the operation at `record`, with the scratch memory of `thread`. */
export function execute(machine: usize, record: usize, chunk: i32, thread: i32): void {
  switch (word(record, layout.recordOpcode)) {
    case layout.opTernaryProduct:
      ternaryProduct(machine, record, chunk);
      break;
    case layout.opLevelProduct:
      levelProduct(machine, record, chunk);
      break;
    case layout.opConvertTernary:
      convertTernary(machine, record, chunk, thread);
      break;
    case layout.opConvertLevels:
      convertLevels(machine, record, chunk, thread);
      break;
    case layout.opCopy:
      memory.copy(address(record, layout.copyTo), address(record, layout.copyFrom), address(record, layout.copyBytes));
      break;
    case layout.opQuantise:
      quantise(machine, record, chunk, thread);
      break;
    case layout.opDequantise:
      dequantise(machine, record, chunk);
      break;
    case layout.opGate:
      gate(machine, record, chunk);
      break;
    case layout.opRope:
      rope(machine, record, chunk);
      break;
    case layout.opNorm:
      norm(machine, record, chunk, thread);
      break;
    case layout.opAdd:
    case layout.opMultiply:
      elementwise(machine, record, chunk);
      break;
    case layout.opAppend:
      append(machine, record, chunk);
      break;
    case layout.opAttend:
      attend(machine, record, chunk, thread);
      break;
    case layout.opLoadFloats:
      loadFloats(machine, record, chunk);
      break;
    case layout.opStoreFloats:
      storeFloats(record, chunk);
      break;
    case layout.opScan:
      scan(machine, record);
      break;
    default:
      unreachable();
  }
}
