/** The commands of the debugger: one table, from which help and completion follow. */
import type { Command } from './command.ts';
import { looking } from './looking.ts';
import { movement } from './movement.ts';
import { stopping } from './stopping.ts';

/** All but `help` and `quit`, which belong to whoever reads the commands. */
export const commands: readonly Command[] = [...movement, ...stopping, ...looking];
