/** What tells one hardware model from another. */
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import type { HardwareModel } from './schema.ts';

/**
 * SHA-256 (hexadecimal) of everything that makes the machine: the resolved model without `$schema`, `description` and
 * `notes`, which only speak to people.
 */
export function hardwareDigest(hw: HardwareModel): string {
  const { $schema: _schema, description: _description, notes: _notes, ...machine } = hw;
  return sha256Hex(canonicalJson(machine));
}
