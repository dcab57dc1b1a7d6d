/** Exported projects of the repository's hardware models, for tests. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfTestFiles } from '../../../src/cli/selfTestFiles.ts';
import { type HardwareModel, hardwareDigest } from '../../../src/hw/index.ts';
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

/** Everything that can be exported for a board. */
export function projectFor(board: string | undefined, model = 'tiny', ...settings: string[]): ExportProject {
  return exportProject(hardware(model, ...settings), { target: 'all', board, selfTest }, templates);
}

export function partOf(board: string, target: 'vivado' | 'vitis' | 'quartus' | 'fusesoc'): ExportProject {
  return exportProject(hardware('tiny'), { target, board, selfTest }, templates);
}

export function textOf(project: ExportProject, path: string): string {
  const file = project.files.find((each) => each.path === path);
  if (!file) throw new Error(`the export has no ${path}`);
  return file.text;
}
