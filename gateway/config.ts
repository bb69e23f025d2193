// Reads the settings once: the file of EPA_GATEWAY_CONFIG (YAML or JSON), EPA_GATEWAY_DATA and one variable per scalar
// setting, and answers either complete settings or every fault at once with the key's name (OPS-10, api.md section 5).
// The manifest is gateway/tables/settings-manifest.ts; this is the only module that looks at the environment.
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { faultsBeside } from './config-mended.ts';
import { type ConfigFault, checkRules } from './config-rules.ts';
import { yamlFaults } from './config-yaml.ts';
import { type Settings, settingsManifest } from './tables/settings-manifest.ts';

export type { ConfigFault } from './config-rules.ts';
export type {
  DigaSettings,
  KonnektorSettings,
  ListenSettings,
  PostgresSettings,
  RecordSystemSettings,
  Settings,
} from './tables/settings-manifest.ts';

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; faults: ConfigFault[] };
export type SettingDescription = { key: string; type: string; default: string; description: string };
type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'EPA_GATEWAY_';

/** Settings from file and environment; never throws for what a person wrote. */
export function readSettings(env: Environment = process.env): SettingsResult {
  const path = env.EPA_GATEWAY_CONFIG;
  if (path === undefined || path === '')
    return { ok: false, faults: [{ key: 'EPA_GATEWAY_CONFIG', message: 'names no settings file (YAML or JSON)' }] };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return { ok: false, faults: [{ key: 'EPA_GATEWAY_CONFIG', message: 'the file cannot be read' }] };
  }
  // JSON is YAML too; duplicate keys are an error in both, aliases are not needed and stay off.
  const document = parseDocument(text, { uniqueKeys: true, merge: false, schema: 'core' });
  if (document.errors.length > 0)
    return { ok: false, faults: yamlFaults(document).map((message) => ({ key: 'EPA_GATEWAY_CONFIG', message })) };
  try {
    return parseSettings(document.toJS({ maxAliasCount: 0 }), env);
  } catch (thrown) {
    // The yaml package throws ReferenceError for the aliases that are off.
    if (!(thrown instanceof ReferenceError)) throw thrown;
    return { ok: false, faults: [{ key: 'EPA_GATEWAY_CONFIG', message: 'must not use YAML aliases' }] };
  }
}

/** The same from an object already read, as `GET /sim/settings` answers it. */
export function parseSettings(raw: unknown, env: Environment = {}, now = Date.now()): SettingsResult {
  if (!isObject(raw)) return { ok: false, faults: [{ key: '(file)', message: 'must hold an object' }] };
  const faults: ConfigFault[] = [];
  const merged = withEnvironment(raw, env, faults);
  const parsed = settingsManifest.safeParse(merged);
  if (!parsed.success) {
    const { issues } = parsed.error;
    return {
      ok: false,
      faults: [...faults, ...issues.flatMap(faultsOfIssue), ...faultsBeside(merged, issues, { now, keyOf })],
    };
  }
  faults.push(...checkRules(parsed.data, now));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings: parsed.data };
}

/** EPA_GATEWAY_LISTEN_PORT → listen.port; a variable that names no setting is a fault, since a typo must not be silent. */
function withEnvironment(raw: object, env: Environment, faults: ConfigFault[]): unknown {
  const merged: Record<string, unknown> = structuredClone({ ...raw });
  const scalars = new Map(describeSettings().map((d) => [variableOf(d.key), d] as const));
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === 'EPA_GATEWAY_CONFIG' || value === undefined) continue;
    if (name === 'EPA_GATEWAY_DATA') {
      merged.dataDirectory = value;
      continue;
    }
    const setting = scalars.get(name);
    if (setting === undefined || setting.key.includes('[')) {
      faults.push({ key: name, message: 'names no setting that the environment can set' });
      continue;
    }
    const path = setting.key.split('.');
    const last = path.pop() ?? '';
    let at = merged;
    for (const step of path) {
      const next = at[step];
      const inner: Record<string, unknown> = isObject(next) ? { ...next } : {};
      at[step] = inner;
      at = inner;
    }
    at[last] = typed(setting.type, value);
  }
  return merged;
}

function typed(type: string, value: string): unknown {
  if (type.startsWith('integer') && /^-?[0-9]{1,15}$/.test(value)) return Number(value);
  if (type.startsWith('number') && /^-?[0-9]{1,15}(\.[0-9]{1,6})?$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/** The variable that sets a single setting; entries of lists have none. */
export const variableOf = (key: string) =>
  PREFIX +
  key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase();

/** zod's issue in our words: the key and the form expected, never the value, which may be a secret in the wrong place. */
function faultsOfIssue(issue: z.core.$ZodIssue): ConfigFault[] {
  const key = keyOf(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((k) => ({ key: key === '' ? k : `${key}.${k}`, message: 'is no setting' }));
    case 'invalid_type':
      if (key === 'dataDirectory') return [{ key, message: 'is missing: EPA_GATEWAY_DATA names it' }];
      return [{ key, message: `is missing or not of type ${typeWord(key, issue.expected)}` }];
    case 'invalid_value':
      return [{ key, message: `must be one of ${issue.values.map(String).join(', ')}` }];
    case 'too_small':
      return [{ key, message: `must be at least ${issue.minimum}${sizeWord(issue.origin)}` }];
    case 'too_big':
      return [{ key, message: `must be at most ${issue.maximum}${sizeWord(issue.origin)}` }];
    case 'invalid_format':
      return [
        { key, message: issue.format === 'regex' ? `must be ${issue.message}` : `must be a valid ${issue.format}` },
      ];
    default:
      return [{ key, message: 'is not as expected' }];
  }
}

/** As docs/settings.md has it: integer with its bounds, text, …; what holds other settings is an object or a list. */
function typeWord(key: string, expected: string): string {
  const described = describeSettings().find((row) => row.key === key.replace(/\[\d+\]/g, '[]'));
  if (described !== undefined) return described.type;
  return { array: 'list', string: 'text', record: 'object', int: 'integer' }[expected] ?? expected;
}

const sizeWord = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');
const keyOf = (path: readonly PropertyKey[]) =>
  path.map((p, i) => (typeof p === 'number' ? `[${p}]` : `${i === 0 ? '' : '.'}${String(p)}`)).join('');
const isObject = (v: unknown): v is object => typeof v === 'object' && v !== null && !Array.isArray(v);

type JsonSchema = {
  type?: string;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
};

/** Every setting of the manifest, in its order, for docs/settings.md and the environment. */
export function describeSettings(): SettingDescription[] {
  const rows: SettingDescription[] = [];
  const walk = (schema: JsonSchema, key: string, mandatory: boolean) => {
    for (const [name, inner] of Object.entries(schema.properties ?? {}))
      walk(inner, key === '' ? name : `${key}.${name}`, schema.required?.includes(name) ?? false);
    if (schema.properties !== undefined) return;
    if (schema.items?.properties !== undefined) return walk(schema.items, `${key}[]`, mandatory);
    rows.push({
      key,
      type: typeOf(schema),
      default: schema.default === undefined ? (mandatory ? 'mandatory' : 'none') : JSON.stringify(schema.default),
      description: schema.description ?? '',
    });
  };
  walk(z.toJSONSchema(settingsManifest, { io: 'input' }) as JsonSchema, '', true);
  return rows;
}

function typeOf(s: JsonSchema): string {
  if (s.enum !== undefined) return s.enum.map(String).join(' | ');
  if (s.type === 'array') return `list of ${s.items === undefined ? 'text' : typeOf(s.items)}`;
  if (s.type === 'integer' || s.type === 'number') return `${s.type} ${s.minimum}–${s.maximum}`;
  return s.type === 'boolean' ? 'boolean' : 'text';
}

/** The settings as an operator may see them: where secrets lie is masked too (OPS-10); the secrets themselves are never in them. */
export function maskedSettings(s: Settings): unknown {
  return JSON.parse(
    JSON.stringify(s, (key, value: unknown) =>
      typeof value !== 'string'
        ? value
        : /^(keyFile|clientKey|clientPkcs12|clientPkcs12PasswordFile|masterKeyFile|passwordFile|secretFile|previousSecretFile)$/.test(
              key,
            )
          ? '(secret file)'
          : key === 'url'
            ? value.replace(/\?.*$/, '?(secret query)')
            : value,
    ),
  );
}
