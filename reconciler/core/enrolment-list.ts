// A file of announcements, for compiling without a store. Hostile until checked, like everything a node says.
import type { Enrolment } from '../../bundle/api.ts';
import { validateEnrolment } from '../../bundle/api-schema.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import type { Desired } from './desired.ts';
import { slotsOf } from './slots.ts';

/**
 * Reads `{node: Enrolment}`, which counts as announced under each slot's token of now, or an array of BoundEnrolment as a store
 * keeps them. Nodes that are no slots are left out. @throws KokoaError enrolments_invalid
 */
export function readEnrolments(json: string, desired: Desired): Map<string, BoundEnrolment> {
  const slots = new Map(slotsOf(desired).map((slot) => [slot.node, slot]));
  const bound = new Map<string, BoundEnrolment>();
  for (const { node, enrolment, under } of entriesIn(json)) {
    const wrong = validateEnrolment(enrolment);
    if (wrong !== undefined) throw invalid(`${node}: ${wrong}`);
    const slot = slots.get(node);
    const binding = under ?? (slot?.tokenSha256 && { tokenSha256: slot.tokenSha256, generation: slot.generation });
    if (slot && binding) bound.set(node, { node, ...binding, enrolment: enrolment as Enrolment });
  }
  return bound;
}

interface Entry {
  node: string;
  enrolment: unknown;
  under?: { tokenSha256: string; generation: number };
}

function entriesIn(json: string): Entry[] {
  const value = parsed(json);
  if (Array.isArray(value)) return value.map(boundEntry);
  if (typeof value !== 'object' || value === null) throw invalid('found neither an object nor an array');
  return Object.entries(value).map(([node, enrolment]) => ({ node, enrolment }));
}

function boundEntry(value: Partial<BoundEnrolment> | null, index: number): Entry {
  const { node, tokenSha256, generation, enrolment } = value ?? {};
  if (typeof node !== 'string' || typeof tokenSha256 !== 'string' || !Number.isSafeInteger(generation)) {
    throw invalid(`entry ${index}: expected node, tokenSha256, generation and enrolment`);
  }
  return { node, enrolment, under: { tokenSha256, generation: generation! } };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw invalid('found no JSON', cause);
  }
}

function invalid(message: string, cause?: unknown): KokoaError {
  return new KokoaError('enrolments_invalid', `enrolments: ${message.slice(0, 300)}`, {
    hint: 'expected {"NODE": {"wireguardPublicKey": …, "signingKey": …, "formats": [1]}}',
    cause,
  });
}
