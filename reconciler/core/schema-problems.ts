// Judges a value by its schema, in words: what was found, what is expected, what was probably meant.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { ANNOTATIONS, schemas } from '../../schemas/by-kind.ts';
import type { Kind } from './files.ts';
import type { RuleId } from './rules.ts';
import { didYouMean } from './suggest.ts';

/** A schema problem before it has a place. */
export interface SchemaFinding {
  pointer: string;
  part: 'key' | 'value';
  rule: RuleId;
  message: string;
  hint: string;
}

/** Values are shown up to here. */
const SHOWN_CHARS_MAX = 60;
/** Names of properties that a message lists; the editor knows them all. */
const LISTED_MAX = 8;
/** Their values are never shown: a person may have pasted the secret itself. */
const SECRET_FIELD = /(token|key|secret|password|originTls\.ca)$|\bauth\.basic\b|\bheaders\.(request|response)\.set\b/i;

let validators: Record<Kind, ValidateFunction> | undefined;

/** Everything that the schema of `kind` refuses in `value`, in the schema's order. The values' number is bounded by the YAML reader. */
export function judgeSchema(kind: Kind, value: unknown): SchemaFinding[] {
  validators ??= compileValidators();
  const validate = validators[kind];
  if (validate(value)) return [];
  // What is wrong with a name is said by the error of the name itself.
  return (validate.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames').map(toFinding);
}

function compileValidators(): Record<Kind, ValidateFunction> {
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false });
  addFormats.default(ajv);
  ajv.addVocabulary([...ANNOTATIONS]);
  for (const schema of Object.values(schemas)) ajv.addSchema(schema);
  const compiled = (kind: Kind): ValidateFunction => ajv.getSchema(schemas[kind].$id)!;
  return { route: compiled('route'), origin: compiled('origin'), edge: compiled('edge'), kokoa: compiled('kokoa') };
}

function toFinding(error: ErrorObject): SchemaFinding {
  const name = error.propertyName;
  const pointer = name === undefined ? error.instancePath : `${error.instancePath}/${escaped(name)}`;
  const field = fieldName(error.instancePath);
  const at = field === '' ? '' : `${field}: `;
  const finding = (rule: RuleId, message: string, hint: string): SchemaFinding => ({
    pointer,
    part: name === undefined ? 'value' : 'key',
    rule,
    message: at + message,
    hint,
  });
  const schema = error.parentSchema as {
    description?: string;
    examples?: unknown[];
    properties?: Record<string, { description?: string; examples?: unknown[] }>;
  };
  const about = schema.description ?? 'see the schema';
  const found = name === undefined ? describe(error.data, field) : `the name ${describe(name, '')}`;
  const { params, keyword } = error;
  switch (keyword) {
    case 'additionalProperties':
      return unknownProperty(pointer, at, String(params.additionalProperty), Object.keys(schema.properties ?? {}));
    case 'required': {
      const name = String(params.missingProperty);
      const example = schema.properties?.[name]?.examples?.[0];
      const hint =
        example === undefined || typeof example === 'object' ? `add ${name}` : `add a line such as ${name}: ${example}`;
      return finding('KK113', `found no ${name}, expected one`, hint);
    }
    case 'enum': {
      const words = (params.allowedValues as unknown[]).map(String);
      const meant = typeof error.data === 'string' ? didYouMean(error.data, words) : undefined;
      return finding('KK114', `found ${found}, expected ${oneOf(words)}`, meant ? `did you mean ${meant}?` : about);
    }
    case 'type':
      return finding(
        'KK111',
        `found ${found}, expected ${TYPE_WORDS[String(params.type)] ?? params.type}`,
        typeHint(params.type, error.data, about),
      );
    case 'pattern':
    case 'format': {
      const example = schema.examples?.[0];
      return finding(
        'KK115',
        `found ${found}, expected text such as ${example ?? params.format ?? 'described'}`,
        about,
      );
    }
    case 'minimum':
    case 'maximum':
      return finding(
        'KK116',
        `found ${found}, expected ${keyword === 'minimum' ? 'at least' : 'at most'} ${params.limit}`,
        about,
      );
    case 'uniqueItems':
      return finding(
        'KK118',
        `found entry ${Number(params.i) + 1} equal to entry ${Number(params.j) + 1}, expected different ones`,
        'delete one of them',
      );
    default:
      // minLength, maxLength, minItems, maxItems, minProperties, maxProperties
      return finding(
        'KK117',
        `found ${size(error.data)}, expected ${keyword.startsWith('min') ? 'at least' : 'at most'} ${params.limit}`,
        about,
      );
  }
}

function unknownProperty(parent: string, at: string, name: string, known: string[]): SchemaFinding {
  const meant = didYouMean(name, known);
  const shown = JSON.stringify(name.slice(0, SHOWN_CHARS_MAX));
  return {
    pointer: `${parent}/${escaped(name)}`,
    part: 'key',
    rule: 'KK112',
    message: `${at}found the property ${shown}, expected ${oneOf(known, LISTED_MAX)}`,
    hint: meant === undefined ? 'delete the line, or correct the name' : `did you mean ${meant}?`,
  };
}

const TYPE_WORDS: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  object: 'a block of properties',
  array: 'a list',
  boolean: 'true or false',
};

function typeHint(type: unknown, data: unknown, about: string): string {
  if (type === 'string' && (typeof data === 'number' || typeof data === 'boolean')) return 'put it in quotes';
  if (type === 'integer' && typeof data === 'string' && /^[0-9]+$/.test(data)) return 'delete the quotes';
  if (type === 'array' && typeof data === 'string') return 'begin each entry on a line of its own with a dash';
  return about;
}

function describe(data: unknown, field: string): string {
  if (data === null) return 'nothing';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a block of properties';
  const secret = SECRET_FIELD.test(field);
  if (typeof data !== 'string')
    return typeof data === 'number' ? (secret ? 'a number' : `the number ${data}`) : `${data}`;
  if (secret) return `text of ${data.length} characters`;
  return JSON.stringify(data.length > SHOWN_CHARS_MAX ? `${data.slice(0, SHOWN_CHARS_MAX)}…` : data);
}

function size(data: unknown): string {
  if (typeof data === 'string') return `${data.length} characters`;
  if (Array.isArray(data)) return `${data.length} entries`;
  return `${Object.keys(data as object).length} properties`;
}

/** RFC 6901, 3. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function oneOf(words: readonly string[], max = words.length): string {
  if (words.length <= 1) return String(words[0] ?? 'nothing');
  return `one of ${words.slice(0, max).join(', ')}${words.length > max ? ` and ${words.length - max} more` : ''}`;
}

/** `/teams/0/name` as people write it: `teams[0].name`. */
export function fieldName(pointer: string): string {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.slice(0, SHOWN_CHARS_MAX).replaceAll('~1', '/').replaceAll('~0', '~'));
  return parts.map((part, index) => (/^[0-9]+$/.test(part) ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('');
}
