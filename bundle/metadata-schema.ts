// The exact shape of the four TUF documents as we write them. Unknown fields are allowed only inside `signed`, where they are
// signed too, so that a newer reconciler can add to what an older agent reads.

const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const version = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const;
const length = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const;
const hashes = object({ sha256 }, ['sha256']);
const metaFile = object({ version, length, hashes }, ['version', 'length', 'hashes']);
const targetFile = object({ length, hashes, custom: { type: 'object' } }, ['length', 'hashes']);
const key = object(
  {
    keytype: { const: 'ed25519' },
    scheme: { const: 'ed25519' },
    keyval: object({ public: { type: 'string', pattern: '^[0-9a-f]{64}$' } }, ['public']),
  },
  ['keytype', 'scheme', 'keyval'],
);
const role = object(
  {
    keyids: { type: 'array', minItems: 1, maxItems: 16, uniqueItems: true, items: sha256 },
    threshold: { type: 'integer', minimum: 1, maximum: 16 },
  },
  ['keyids', 'threshold'],
);

/** JSON Schemas (draft-07) by document. */
export const METADATA_SCHEMAS = {
  root: envelope('root', {
    consistent_snapshot: { const: true },
    keys: { type: 'object', maxProperties: 64, propertyNames: sha256, additionalProperties: key },
    roles: object({ root: role, timestamp: role, snapshot: role, targets: role }, [
      'root',
      'timestamp',
      'snapshot',
      'targets',
    ]),
  }),
  timestamp: envelope('timestamp', { meta: object({ 'snapshot.json': metaFile }, ['snapshot.json']) }),
  snapshot: envelope('snapshot', { meta: object({ 'targets.json': metaFile }, ['targets.json']) }),
  targets: envelope('targets', { targets: object({ 'config.json': targetFile }, ['config.json']) }, ['delegations']),
};

function envelope(type: string, members: Record<string, object>, forbidden: string[] = []): object {
  return object(
    {
      signatures: {
        type: 'array',
        minItems: 1,
        maxItems: 32,
        items: object({ keyid: sha256, sig: { type: 'string', pattern: '^[0-9a-f]{128}$' } }, ['keyid', 'sig']),
      },
      signed: {
        type: 'object',
        required: ['_type', 'spec_version', 'version', 'expires', ...Object.keys(members)],
        properties: {
          _type: { const: type },
          spec_version: { type: 'string', pattern: '^1\\.[0-9]{1,3}(\\.[0-9]{1,3})?$' },
          version,
          expires: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$' },
          ...members,
          ...Object.fromEntries(forbidden.map((name) => [name, false])),
        },
      },
    },
    ['signatures', 'signed'],
  );
}

function object(properties: Record<string, object>, required: string[]): object {
  return { type: 'object', additionalProperties: false, required, properties };
}
