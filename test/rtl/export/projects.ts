/** Exported projects of the repository's hardware models, for tests. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageVector } from '../../../src/cli/exportVectors.ts';
import { selfTestFiles } from '../../../src/cli/selfTestFiles.ts';
import { type HardwareModel, hardwareDigest } from '../../../src/hw/index.ts';
import { assemble, programImage } from '../../../src/isa/index.ts';
import { boards } from '../../../src/rtl/export/boards.ts';
import { type ExportProject, exportProject } from '../../../src/rtl/export/project.ts';
import { hardware } from '../../hw/models.ts';
import { exportTemplatesFromDisk } from '../exportTemplates.ts';
import { templatesFromDisk } from '../templates.ts';

const waivers = readFileSync(join(import.meta.dirname, '../../../rtl-templates/lint.vlt'), 'utf8');
const templates = {
  verilog: new Map([...templatesFromDisk(), ['lint.vlt', waivers]]),
  export: exportTemplatesFromDisk(),
};

export const exportBoards = [...boards.map(({ name }) => name), 'generic'];

const selfTests = new Map<string, ReturnType<typeof selfTestFiles>>();

/** Of every machine one is made. */
function selfTest(hw: HardwareModel): ReturnType<typeof selfTestFiles> {
  const digest = hardwareDigest(hw);
  const files = selfTests.get(digest) ?? selfTestFiles(hw);
  selfTests.set(digest, files);
  return files;
}

/** A few words go from memory to a buffer and back, and two tokens come out. */
const source = `
.data here
    .f32 1, 2, 3, 4
.reserve there, 64
    dma.load space=act, format=float32, local=0, remote=here, elements=4, rows=1, remoteStride=0, localPitch=0
    dma.store space=act, format=float32, local=0, remote=there, elements=4, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
    sync @wait(dma)
    li r1, 41
    emit r1
    add r1, r1, 1
    emit r1
    halt
`;

/** A vector that takes a simulator no time. */
function vectors(hw: HardwareModel) {
  const image = programImage(assemble(source, 'small.lasm', { hw }), hw);
  const request = { prompt: [0], maxNewTokens: 1, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  return [imageVector(image, hw, request, { name: 'small', what: 'two tokens', label: (token) => `(${token})` })];
}

/** Everything that can be exported for a board. */
export function projectFor(board: string | undefined, model = 'tiny', ...settings: string[]): ExportProject {
  return exportProject(hardware(model, ...settings), { target: 'all', board, selfTest, vectors }, templates);
}

export function partOf(board: string, target: 'vivado' | 'vitis' | 'quartus' | 'fusesoc'): ExportProject {
  return exportProject(hardware('tiny'), { target, board, selfTest, vectors }, templates);
}

export function textOf(project: ExportProject, path: string): string {
  const file = project.files.find((each) => each.path === path);
  if (!file) throw new Error(`the export has no ${path}`);
  return file.text;
}
