/**
 * Text of a hardware model → a checked `HardwareModel`.
 *
 * Steps: strict JSON with places, `--set` overrides, the schema's field checks, the cross-field rules. All faults of a
 * step are reported together; the rules run only on a model whose fields are right.
 */
import { type Diagnostic, LutraError, type Place } from '../base/diagnostics.ts';
import { type ParsedJson, parseJson } from '../base/json.ts';
import { derive } from './derive.ts';
import { fieldNamesIn, hardwareField } from './fields.ts';
import { deviceFieldNames, resolveMemory } from './memoryDevices.ts';
import { fieldDiagnostics, fieldHint, type Places } from './messages.ts';
import { checkRules } from './rules.ts';
import { type HardwareModel, hardwareModelSchema } from './schema.ts';

interface Override {
  /** `--set path=value`, the place of everything it set. */
  readonly source: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Reads and checks a hardware model.
 * @param file name for messages
 * @param overrides `path=value` each; the value is JSON, or else a bare text; the last of several wins
 * @throws LutraError JSON0xx for what is not JSON; HW0xx, every fault at once, for what is no hardware model
 */
export function loadHardwareModel(text: string, file: string, overrides: readonly string[] = []): HardwareModel {
  const parsed = parseJson(text, file);
  const settings = parseOverrides(overrides);
  const value = resolveMemory(settings.reduce(applySetting, parsed.value));
  const places = placesWith(parsed, settings);

  const result = hardwareModelSchema.safeParse(value);
  if (!result.success) throw new LutraError(fieldDiagnostics(result.error.issues, value, places));

  const hw = result.data;
  const faults = checkRules(hw, derive(hw)).map(
    ({ code, path, paths, message, hint }): Diagnostic => ({
      code,
      message: `${path}: ${message}`,
      place: rulePlace(paths, places, settings),
      hint,
    }),
  );
  if (faults.length > 0) throw new LutraError(faults);
  return hw;
}

function parseOverrides(overrides: readonly string[]): Override[] {
  const faults: Diagnostic[] = [];
  const parsed = overrides.flatMap((text): Override[] => {
    const source = `--set ${text}`;
    const equals = text.indexOf('=');
    if (equals < 1) {
      const message = 'expected path=value';
      faults.push({
        code: 'HW010',
        message,
        place: { file: source },
        hint: 'for example matmul.columns=8',
        exit: 'usage',
      });
      return [];
    }
    const path = text.slice(0, equals).trim().split('.');
    const fault = unknownPath(path, source);
    if (fault !== undefined) faults.push(fault);
    return [{ source, path, value: bareValue(text.slice(equals + 1)) }];
  });
  if (faults.length > 0) throw new LutraError(faults);
  return parsed;
}

/** The fault of a path that the schema does not know, if it is one. */
function unknownPath(path: readonly string[], source: string): Diagnostic | undefined {
  const known = path.findIndex((_, index) => hardwareField(path.slice(0, index + 1).join('.')) === undefined);
  if (known === -1) return undefined;
  const section = path.slice(0, known).join('.');
  const names = fieldNamesIn(section);
  const hint = names.length === 0 ? `${section} is a value, not a section` : fieldHint(path[known] as string, names);
  const message = `${path.join('.')}: there is no such field`;
  return { code: 'HW011', message, place: { file: source }, hint, exit: 'usage' };
}

function bareValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** One `--set`. Another device takes the place of the figures of the one before. */
function applySetting(value: unknown, setting: Override): unknown {
  if (setting.path.join('.') !== 'memory.device') return applyOverride(value, setting);
  const changed = applyOverride(value, setting) as { memory?: unknown };
  const kept = Object.entries(changed.memory ?? {}).filter(([name]) => !deviceFieldNames.includes(name));
  return { ...changed, memory: Object.fromEntries(kept) };
}

/** A copy of `value` with one override; values around it that are not objects are left for the schema to refuse. */
function applyOverride(value: unknown, { path, value: set }: Override): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return set;
  if (value !== undefined && (value === null || typeof value !== 'object' || Array.isArray(value))) return value;
  const members = (value ?? {}) as Record<string, unknown>;
  return { ...members, [name]: applyOverride(members[name], { source: '', path: rest, value: set }) };
}

/** An override that a broken rule speaks about is the likely cause; otherwise the rule's first field is the place. */
function rulePlace(paths: readonly string[], places: Places, settings: readonly Override[]): Place {
  const isSet = (path: string) => settings.some(({ path: set }) => `${path}.`.startsWith(`${set.join('.')}.`));
  const path = paths.find(isSet) ?? (paths[0] as string);
  return places.placeOf(path.split('.'));
}

/** Places in the file, except under a path that an override set. */
function placesWith(parsed: ParsedJson, settings: readonly Override[]): Places {
  const overridden = (path: readonly (string | number)[]): Place | undefined => {
    const covers = ({ path: set }: Override) => set.length <= path.length && set.every((step, i) => step === path[i]);
    const setting = settings.findLast(covers);
    return setting && { file: setting.source };
  };
  return {
    placeOf: (path) => overridden(path) ?? parsed.placeOf(path),
    keyPlaceOf: (path) => overridden(path) ?? parsed.keyPlaceOf(path),
  };
}
