// The paths of agents, as the document has them.
import { BUNDLE_MEDIA_TYPE } from '../../bundle/api.ts';
import { answer, body, hostname, json, type Operation, parameter, refusals, wait } from './openapi-parts.ts';
import { reference } from './openapi-schemas.ts';

const NODE = '/api/v1/edge-nodes/me';

export function nodePaths(): Record<string, Operation> {
  const since = parameter('query', 'since', 'The sequence of the last answer.', { type: 'integer', minimum: 0 });
  const certificate = parameter('path', 'name', 'Of a certificate for a wildcard: *.app.hoge.com.');
  const operation = (operationId: string, summary: string, responses: object, more: Operation = {}): Operation => ({
    ...{ operationId, summary, tags: ['nodes'], security: [{ nodeToken: [] }] },
    ...more,
    responses: { ...responses, ...refusals([400, 401, 403, 503]) },
  });
  const relayed = (operationId: string, summary: string, name: string, parameters: readonly object[] = []) => {
    const one = (id: string) =>
      operation(
        id,
        summary,
        { 200: answer('Kept, or older than what is kept.', 'RelayOutcome'), ...refusals([409, 413, 415, 422]) },
        { requestBody: body(reference(name)), ...(parameters.length > 0 && { parameters }) },
      );
    return { put: one(operationId), post: one(`${operationId}ByPost`) };
  };
  const config = {
    200: {
      description: 'What the node is told; as signed texts where Accept asks for them.',
      headers: { ETag: { description: 'For If-None-Match.', schema: { type: 'string' } } },
      content: { ...json(reference('ConfigSummary')), [BUNDLE_MEDIA_TYPE]: { schema: reference('Bundle') } },
    },
    304: { description: 'Nothing has changed.' },
  };
  const have = parameter('query', 'have', 'Hash of the config whose chunks the agent holds.');
  const root = parameter('query', 'root', 'Newest root version that the agent trusts.', {
    type: 'integer',
    minimum: 0,
  });
  return {
    [`${NODE}/config`]: {
      get: operation('nodeConfig', 'What the node is told.', config, { parameters: [wait, have, root] }),
    },
    [`${NODE}/status`]: {
      post: operation(
        'nodeStatus',
        'How the node is, and its public keys.',
        { 200: answer('Whether it speaks for the slot.', 'StatusAnswer'), ...refusals([413, 415, 422]) },
        { requestBody: body(reference('StatusReport')) },
      ),
    },
    [`${NODE}/relay`]: {
      get: operation(
        'relay',
        'What is new in the mailbox of the pool.',
        { 200: answer('In order.', 'Relay') },
        { parameters: [since, wait] },
      ),
    },
    [`${NODE}/relay/identity`]: relayed('relayIdentity', 'Leave the identity of the pool.', 'PoolIdentity'),
    [`${NODE}/relay/certificates`]: relayed('relayCertificate', 'Leave a sealed certificate.', 'SealedCertificate'),
    [`${NODE}/relay/certificates/{hostname}`]: relayed(
      'relayCertificateOf',
      'The same, named in the path.',
      'SealedCertificate',
      [hostname],
    ),
    [`${NODE}/relay/leases/{hostname}`]: {
      post: operation(
        'lease',
        'May this node order a certificate now?',
        { 200: answer('Yes or no.', 'Lease'), ...refusals([413, 415, 422]) },
        { parameters: [hostname], requestBody: body(reference('LeaseQuestion')) },
      ),
    },
    [`${NODE}/relay/challenges/{name}`]: {
      post: operation(
        'challenge',
        'Puts the proof for a wildcard into DNS, for the holder of the lease.',
        { 200: answer('There, not yet, or no.', 'ChallengeAnswer'), ...refusals([413, 415, 422]) },
        { parameters: [certificate], requestBody: body(reference('ChallengeQuestion')) },
      ),
    },
    [`${NODE}/relay/challenges/{name}/end`]: {
      post: operation(
        'challengeEnded',
        'The order of a wildcard has ended: its proof is taken out of DNS.',
        { 200: answer('Done, or left to the holder of the lease.', 'ChallengeAnswer'), ...refusals([413, 415, 422]) },
        { parameters: [certificate], requestBody: body(reference('ChallengeEnd')) },
      ),
    },
    [`${NODE}/relay/orders/{hostname}`]: {
      post: operation(
        'orderEnded',
        'How the order of a certificate ended.',
        { 200: answer('Whether one was under way.', 'OrderEndAnswer'), ...refusals([413, 415, 422]) },
        { parameters: [hostname], requestBody: body(reference('OrderEnd')) },
      ),
    },
  };
}
