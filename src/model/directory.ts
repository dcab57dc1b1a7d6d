/** How a model's files reach this folder: through readers that the caller injects. */
import { LutraError } from '../base/diagnostics.ts';
import type { ByteSource } from '../base/safetensors.ts';

/** A Hugging Face model directory. File names are plain names without a path. */
export interface ModelDirectory {
  /** As the user gave it; leads the file names in messages, its last part is the model's name. */
  readonly name: string;
  /** A small file as a whole, undefined if there is none. */
  read(file: string): Uint8Array | undefined;
  /** A large file for ranged reads, undefined if there is none. */
  open(file: string): ByteSource | undefined;
}

/** The name of a file of the directory as it stands in messages. */
export function filePath(directory: ModelDirectory, file: string): string {
  return directory.name === '' ? file : `${directory.name.replace(/\/+$/, '')}/${file}`;
}

/** The model's name: the last part of the directory's name. */
export function modelName(directory: ModelDirectory): string {
  const parts = directory.name.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');
  return parts.at(-1) ?? 'model';
}

/** UTF-8 text of a file; LutraError with `code` if it is not UTF-8. */
export function decodeText(bytes: Uint8Array, file: string, code: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new LutraError({ code, message: 'the file is not UTF-8 text', place: { file } });
  }
}
