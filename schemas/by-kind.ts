// The JSON Schemas of the data, by kind: what the validator and the tests read.
import edge from './edge.schema.json' with { type: 'json' };
import kokoa from './kokoa.schema.json' with { type: 'json' };
import origin from './origin.schema.json' with { type: 'json' };
import route from './route.schema.json' with { type: 'json' };

export const schemas = { route, origin, edge, kokoa };

/** Keywords of ours that judge nothing: docs/routes.md is made of them. A validator must be told that they are meant. */
export const ANNOTATIONS = ['x-default', 'x-directive'] as const;
