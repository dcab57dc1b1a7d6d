/** The host that runs on the board's Linux: Python modules, and the constants that they share with lutra. */
import type { HardwareModel } from '../../hw/schema.ts';
import { pieceBytes } from '../../isa/contents.ts';
import { digestKey, imageVersion, piecesKey, versionKey } from '../../isa/imageMetadata.ts';
import { wordsPerInstruction } from '../../isa/instruction.ts';
import { codeAlignmentBytes, commandHeaderBytes, segmentAlignmentBytes, segmentKinds } from '../../isa/segments.ts';
import { registerMap } from '../registerMap.ts';
import type { VerilogFile } from '../render.ts';
import { type ExportTemplates, plainFiles, renderExport } from './render.ts';

/** What Linux calls the accelerator and its memory, in the device tree overlay and where the host looks for them. */
export const linuxNames = { uioName: 'lutra', bufferName: 'udmabuf-lutra' } as const;

const mebibyte = 2 ** 20;
/** What a kernel of the boards' images gives away without further boot arguments is about a gibibyte. */
const defaultMemoryMebibytes = 512;

/** Memory that the overlay asks for unless a person says how much an image needs [MiB]. */
export function overlayMemoryMebibytes(hw: HardwareModel): number {
  return Math.min(defaultMemoryMebibytes, Math.floor(hw.memory.capacityBytes / mebibyte));
}

/** Every file of the folder `host`. */
export function renderHostFiles(templates: ExportTemplates, hw: HardwareModel): VerilogFile[] {
  const constants = {
    ...linuxNames,
    versionKey,
    imageVersion,
    digestKey,
    piecesKey,
    pieceBytes,
    wordsPerInstruction,
    codeAlignmentBytes,
    segmentAlignmentBytes,
    segmentKinds,
    commandHeaderBytes,
  };
  const rendered = renderExport(templates, 'host/lutra_constants.py', { hw, map: registerMap(hw), host: constants });
  return [...plainFiles(templates, 'host/'), { path: 'host/lutra_constants.py', text: rendered }];
}
