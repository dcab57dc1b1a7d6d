import { exitCodes } from '../../base/diagnostics.ts';
import { hardwareDigest } from '../../hw/index.ts';
import { exportProject } from '../../rtl/index.ts';
import { runExportChecks } from '../exportChecks.ts';
import { checkExportDirectory, createExportDirectory } from '../exportDirectory.ts';
import { exportVectors } from '../exportVectors.ts';
import { readExportTemplates, readTemplates } from '../files.ts';
import { openHardware } from '../inputs.ts';
import type { RtlVerbOptions } from '../options.ts';
import { printJson, printLine } from '../output.ts';
import { selfTestFiles } from '../selfTestFiles.ts';

/** `lutra rtl --hw FILE --export TARGET -o DIR`: a project for a vendor's tool. Returns the exit code. */
export function exportVerb(options: RtlVerbOptions & Required<Pick<RtlVerbOptions, 'export' | 'out'>>): number {
  const { out, force = false } = options;
  checkExportDirectory(out, force);
  const templates = { verilog: readTemplates(), export: readExportTemplates() };
  const request = { target: options.export, board: options.board, selfTest: selfTestFiles, vectors: exportVectors };
  const project = exportProject(openHardware(options), request, templates);
  createExportDirectory(out, force, project);
  const { hw, board, targets } = project;
  const paths = [...project.files, ...project.images].map(({ path }) => path).sort();
  const checks = options.check ? runExportChecks(project, out) : undefined;
  const failed = checks?.filter(({ faults }) => faults.length > 0) ?? [];
  if (options.json) {
    printJson({
      schema: 'lutra.exported/1',
      hardware: { name: hw.name, digest: hardwareDigest(hw) },
      board: board.name,
      part: board.part,
      targets,
      directory: out,
      files: paths,
      ...(checks ? { checks } : {}),
    });
  } else {
    printLine(`${out}: ${paths.length} files for ${board.title} (${targets.join(', ')}); README.md says what to type`);
    for (const { name, faults } of checks ?? []) {
      printLine(`${faults.length === 0 ? 'ok    ' : 'FAULT '} ${name}`);
      for (const fault of faults) printLine(`       ${fault}`);
    }
  }
  return failed.length === 0 ? exitCodes.ok : exitCodes.no;
}
