/** Whether a core file is sound CAPI2 (FuseSoC 2, "CAPI2 reference"): its structure, its references and its files. */
import { parse } from 'yaml';
import { z } from 'zod';

const strings = z.array(z.string());
const anything = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);

const fileAttributes = z.strictObject({
  file_type: z.string().optional(),
  is_include_file: z.boolean().optional(),
  include_path: z.string().optional(),
  logical_name: z.string().optional(),
  tags: strings.optional(),
  copyto: z.string().optional(),
});

const oneFile = z.union([
  z.string(),
  z.record(z.string(), fileAttributes).refine((file) => Object.keys(file).length === 1, 'one file each'),
]);

const core = z.strictObject({
  name: z.string().regex(/^[\w-]*:[\w-]*:[\w-]+(:\d[\w.-]*)?$/, 'is no vendor:library:name:version'),
  description: z.string().optional(),
  filesets: z.record(
    z.string(),
    z.strictObject({
      files: z.array(oneFile).min(1),
      file_type: z.string().optional(),
      logical_name: z.string().optional(),
      depend: strings.optional(),
    }),
  ),
  targets: z.record(
    z.string(),
    z.strictObject({
      description: z.string().optional(),
      default_tool: z.string().optional(),
      flow: z.string().optional(),
      flow_options: z.record(z.string(), anything).optional(),
      filesets: strings,
      toplevel: z.union([z.string(), strings]).optional(),
      parameters: strings.optional(),
      tools: z.record(z.string(), z.record(z.string(), anything)).optional(),
    }),
  ),
});

/** Kinds of files that Edalize knows, of those that lutra writes. */
const fileTypes = /^(verilogSource|systemVerilogSource|xdc|SDC|vlt|tclSource)$/;

/** Every fault of a core file; `exists` is asked for its files. */
export function checkCore(text: string, exists: (path: string) => boolean): string[] {
  if (!text.startsWith('CAPI=2:\n')) return ['the first line is not CAPI=2:'];
  let data: unknown;
  try {
    // The first line is a key without a value, so all of it is YAML.
    const { 'CAPI=2': _, ...rest } = parse(text) as Record<string, unknown>;
    data = rest;
  } catch (error) {
    return [`is no YAML: ${(error as Error).message.split('\n')[0]}`];
  }
  const result = core.safeParse(data);
  if (!result.success) return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const { filesets, targets } = result.data;
  const files = Object.entries(filesets).flatMap(([name, set]) =>
    set.files.map((file) => {
      const [path, attributes] =
        typeof file === 'string' ? [file, undefined] : (Object.entries(file)[0] ?? ['', undefined]);
      return { path, type: attributes?.file_type ?? set.file_type ?? '', fileset: name };
    }),
  );
  return [
    ...files.filter(({ path }) => !exists(path)).map(({ path }) => `file ${path} is not there`),
    ...files.filter(({ type }) => !fileTypes.test(type)).map(({ path, type }) => `${path}: '${type}' is no file type`),
    ...Object.entries(targets).flatMap(([name, target]) => [
      ...target.filesets
        .filter((set) => filesets[set] === undefined)
        .map((set) => `target ${name}: there is no fileset ${set}`),
      ...(target.flow !== undefined && target.tools !== undefined ? [`target ${name}: has a flow and tools`] : []),
      ...(name !== 'default' && target.toplevel === undefined ? [`target ${name}: has no toplevel`] : []),
    ]),
    ...(targets['default'] === undefined ? ['there is no target default'] : []),
  ];
}
