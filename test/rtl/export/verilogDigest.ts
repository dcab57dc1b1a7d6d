import { canonicalJson, sha256Hex } from '../../../src/base/digest.ts';
import type { ExportProject } from '../../../src/rtl/export/project.ts';

/** Digest of the Verilog of an export without its comments. */
export function verilogDigest({ files }: ExportProject): string {
  const verilog = files.filter(({ path }) => /^rtl\/.*\.s?v$/.test(path));
  return sha256Hex(canonicalJson(verilog.map(({ path, text }) => ({ path, text: text.replace(/\s*\/\/.*$/gm, '') }))));
}
