/** The same program with its prompt at another position, without compiling it again. */

import type { ProgramImage } from '../isa/image.ts';
import { instruction } from '../isa/instruction.ts';
import { registers } from './registers.ts';

/**
 * An image that was compiled with a `firstPosition` above 0, as if with `position` in its place: only one instruction
 * says where the prompt begins.
 */
export function beginningAt(image: ProgramImage, position: number): ProgramImage {
  const setsPosition = image.code.findIndex(
    ({ spec, values }) => spec.name === 'li' && values[0] === registers.position && typeof values[1] === 'number',
  );
  const now = image.code[setsPosition]?.values[1];
  if (typeof now !== 'number') throw new Error('the image begins at position 0');
  const { metadata } = image;
  return {
    ...image,
    code: image.code.with(setsPosition, instruction('li', { rd: registers.position, value: position })),
    metadata: { ...metadata, maxPositions: metadata.maxPositions + now - position },
  };
}
