import { beforeEach, describe, expect, it } from 'vitest';
import type { EdgePart } from '../bundle/config.ts';
import { converge, enact, mend } from './converge.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { VerifiedBundle } from './ports/state.ts';
import { edgeBundle, nameOf, originBundle, routeOf } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test']);

let node: FakeNode;

beforeEach(async () => {
  node = await createFakeNode();
});

/** Takes a bundle all the way from an offer. */
function take(bundle: VerifiedBundle, running?: VerifiedBundle) {
  return converge(node.offer(bundle), running, undefined, node.machine);
}

describe('a good bundle', () => {
  it('is applied, and is the last known good only after the probe', async () => {
    expect(await take(OLD)).toMatchObject({
      kind: 'applied',
      bundle: OLD,
      made: { release: node.state.current, unserved: [], portsLacking: [] },
    });
    node.answers.set('a.test', async () => {
      node.events.push('asked');
      return { kind: 'answer', status: 502 };
    });
    node.happened();
    expect(await take(NEW, OLD)).toMatchObject({ kind: 'applied', bundle: NEW });
    expect(node.happened()).toEqual(['asked', 'reload a.test+b.test', 'asked', 'good a.test+b.test']);
    expect(node.served()).toEqual(['a.test', 'b.test']);
  });

  it('touches nothing when it is what runs', async () => {
    await take(OLD);
    node.happened();
    expect(await take({ ...OLD, version: 2 }, OLD)).toMatchObject({ kind: 'applied', bundle: { version: 2 } });
    expect(node.happened()).toEqual([]);
  });

  it('makes the network equal to it before the web server reads it', async () => {
    await take(OLD);
    node.happened();
    await take(edgeBundle(['a.test'], { peers: ['office'] }), OLD);
    expect(node.happened()).toEqual(['network home+office', 'reload a.test', 'good a.test/office']);
  });

  it('has the lists of users before the web server asks for a password', async () => {
    await take(OLD);
    node.happened();
    const route = { ...routeOf('a.test'), auth: { kind: 'basic', sealed: 'YWdl' } as const };
    await take({ ...NEW, chunks: [{ routes: [route] }] }, OLD);
    const [first, second] = node.happened();
    expect([first, second?.split(' ')[0]]).toEqual(['users', 'reload']);
  });

  it('does not disturb a web server that serves it already', async () => {
    await take(OLD);
    node.happened();
    expect(await enact(OLD, undefined, node.machine)).toMatchObject({ kind: 'applied' });
    expect(node.happened()).toEqual(['good a.test']);
  });

  it('is applied although it cannot be kept, and says so', async () => {
    await take(OLD);
    node.fails.markGood = 'disk full';
    const outcome = await take(NEW, OLD);
    expect(outcome).toMatchObject({
      kind: 'applied',
      unsaved: { stage: 'keep', code: 'markGood_broke', fault: 'machine' },
    });
    expect(node.state.lkg).toBe(OLD);
  });

  it('names the hosts whose origin is no peer yet', async () => {
    const config = { wireguard: { address: '10.100.0.1', peers: [] } };
    expect(await take(edgeBundle(['a.test'], { config }))).toMatchObject({
      kind: 'applied',
      made: { unserved: [{ hostname: 'a.test', reason: 'its origin has not announced its keys yet' }] },
    });
  });

  it('starts no web server on an origin', async () => {
    expect(await take(originBundle([8080]))).toMatchObject({ kind: 'applied' });
    expect(node.happened()).toEqual(['network home', 'good origin-8080']);
    expect(node.state.webRuns).toBe(false);
  });
});

interface Case {
  stage: string;
  fault: 'bundle' | 'machine';
  wanted?: VerifiedBundle;
  /** Makes the stage fail. */
  spoil?: () => void;
  kind: 'refused' | 'rolled_back';
  code: string;
  /** What happened besides looking. */
  events: string[];
}

const OUTSIDE: VerifiedBundle = {
  ...NEW,
  chunks: [{ routes: [{ ...routeOf('x.test'), backends: [{ address: '192.0.2.1', port: 80 }] }] }],
};
/** Ordered by a member whose thumbprint would end a directive. */
const UNSAFE: VerifiedBundle = {
  ...edgeBundle(['a.test', 'b.test'], { config: { edge: { ...edgeOf(NEW), members: [member('osaka-1', 'x; y')] } } }),
  chunks: [{ routes: [{ ...routeOf('b.test'), orderer: 'osaka-1' }] }],
};
const OTHER_NETWORK = edgeBundle(['a.test'], { peers: ['office'] });

const CASES: Record<string, Case> = {
  'an offer that does not verify': {
    stage: 'verify',
    fault: 'bundle',
    kind: 'refused',
    code: 'bad_signature',
    events: [],
  },
  'a disk that takes no offer': {
    ...{ stage: 'verify', fault: 'machine', kind: 'refused', code: 'accept_broke', events: [] },
    spoil: () => {
      node.fails.accept = 'disk full';
    },
  },
  'a backend outside the network': {
    ...{ stage: 'guard', fault: 'bundle', kind: 'refused', code: 'address_outside_network', events: [] },
    wanted: OUTSIDE,
  },
  'a value that fits nowhere': {
    ...{ stage: 'render', fault: 'bundle', kind: 'refused', code: 'unsafe_value', events: [] },
    wanted: UNSAFE,
  },
  'a web server program that is gone': {
    ...{ stage: 'render', fault: 'machine', kind: 'refused', code: 'features_broke', events: [] },
    spoil() {
      node.fails.features = 'no nginx';
      return node.machine.edge!.web.stop();
    },
  },
  'a disk that takes no release': {
    ...{ stage: 'test', fault: 'machine', kind: 'refused', code: 'write_broke', events: [] },
    spoil: () => {
      node.fails.write = 'disk full';
    },
  },
  'a tree that the web server refuses': {
    ...{ stage: 'test', fault: 'bundle', kind: 'refused', code: 'nginx_refused', events: [] },
    spoil: () => node.refusedByTest.add('a.test'),
  },
  'a network that cannot be set': {
    ...{ stage: 'network', fault: 'machine', kind: 'rolled_back', code: 'network_broke', events: [] },
    wanted: OTHER_NETWORK,
    spoil: () => {
      node.fails.network = 'no tun';
    },
  },
  'a hostname that is not routed any more': {
    ...{ stage: 'probe', fault: 'bundle', kind: 'rolled_back', code: 'probe_failed' },
    events: ['reload a.test+b.test', 'reload a.test'],
    spoil: () =>
      node.answers.set('a.test', async () => ({
        kind: 'answer',
        status: node.served().includes('b.test') ? 421 : 200,
      })),
  },
  'a hostname that refuses the handshake': {
    ...{ stage: 'probe', fault: 'bundle', kind: 'rolled_back', code: 'probe_failed' },
    events: ['reload a.test+b.test', 'reload a.test'],
    spoil: () =>
      node.answers.set('a.test', async () =>
        node.served().includes('b.test') ? { kind: 'failed' } : { kind: 'answer', status: 200 },
      ),
  },
  'a new network that cuts off the control plane': {
    ...{ stage: 'probe', fault: 'bundle', kind: 'rolled_back', code: 'probe_failed' },
    events: ['network home+office', 'reload a.test', 'network home', 'reload a.test'],
    wanted: OTHER_NETWORK,
    spoil: () => {
      const { reload } = node.machine.edge!.web;
      node.machine.edge!.web.reload = async () => {
        await reload();
        node.state.controlPlaneReachable = !node.state.network!.includes('10.100.2.1');
      };
    },
  },
};

describe('what stops a change and leaves what was', () => {
  it.each(Object.entries(CASES))('%s', async (title, { stage, fault, wanted = NEW, spoil, kind, code, events }) => {
    await take(OLD);
    await spoil?.();
    node.happened();
    const offer = title.startsWith('an offer') ? node.refuse('x', 'bad_signature') : node.offer(wanted);
    const outcome = await converge(offer, OLD, undefined, node.machine);
    expect(outcome).toMatchObject({ kind, stage, code, fault });
    expect(outcome).not.toHaveProperty('stranded');
    expect(node.happened()).toEqual(events);
    expect(node.state.lkg).toBe(OLD);
    if (!title.includes('gone')) expect(node.served()).toEqual(['a.test']);
  });
});

describe('a web server that does not read the new tree', () => {
  it('is made to read the old one again', async () => {
    await take(OLD);
    const { web } = node.machine.edge!;
    const reload = web.reload;
    web.reload = async () => {
      web.reload = reload;
      throw new Error('does not answer');
    };
    expect(await take(NEW, OLD)).toMatchObject({
      kind: 'rolled_back',
      stage: 'reload',
      code: 'reload_failed',
      fault: 'machine',
    });
    expect([node.served(), nameOf(node.state.lkg!.configHash)]).toEqual([['a.test'], 'a.test']);
  });

  it('and not the old one either: the outcome says that the node is stranded', async () => {
    await take(OLD);
    node.fails.reload = 'does not answer';
    expect(await take(NEW, OLD)).toMatchObject({ kind: 'rolled_back', stage: 'reload', stranded: { stage: 'reload' } });
  });

  it('is put back even if the network is not', async () => {
    await take(OLD);
    node.answers.set('a.test', async () => ({ kind: 'answer', status: node.served().includes('b.test') ? 404 : 200 }));
    const wanted = edgeBundle(['a.test', 'b.test'], { peers: ['office'] });
    const { web } = node.machine.edge!;
    const reload = web.reload;
    web.reload = async () => {
      node.fails.network = 'no tun';
      await reload();
    };
    expect(await take(wanted, OLD)).toMatchObject({
      kind: 'rolled_back',
      stage: 'probe',
      stranded: { stage: 'network' },
    });
    expect(node.served()).toEqual(['a.test']);
  });
});

describe('the first bundle of a node', () => {
  it('has nothing to go back to', async () => {
    node.fails.reload = 'port taken';
    expect(await take(NEW)).toMatchObject({ kind: 'refused', stage: 'reload', fault: 'machine', bundle: NEW });
    expect(node.state.lkg).toBeUndefined();
  });
});

describe('a bundle that failed here before', () => {
  it('is not tried again when the fault was its own', async () => {
    await take(OLD);
    node.refusedByTest.add('a.test');
    const condemned = await take(NEW, OLD);
    node.refusedByTest.clear();
    node.happened();
    if (condemned.kind === 'applied') throw new Error('applied');
    expect(await converge(node.offer({ ...NEW, version: 2 }), OLD, condemned, node.machine)).toBe(condemned);
    expect(node.happened()).toEqual([]);
  });

  it('is tried again when the machine was at fault', async () => {
    await take(OLD);
    node.fails.write = 'disk full';
    const condemned = await take(NEW, OLD);
    delete node.fails.write;
    if (condemned.kind === 'applied') throw new Error('applied');
    expect(await converge(node.offer(NEW), OLD, condemned, node.machine)).toMatchObject({ kind: 'applied' });
  });
});

describe('mending', () => {
  it('writes the tree again and makes the web server read it, whatever it serves', async () => {
    await take(OLD);
    node.happened();
    node.state.intact = false;
    expect(await mend(OLD, node.machine)).toMatchObject({ value: { release: node.state.current } });
    expect([node.state.intact, node.happened()]).toEqual([true, ['reload a.test']]);
  });

  it('says what stands in its way', async () => {
    await take(OLD);
    node.fails.write = 'disk full';
    expect(await mend(OLD, node.machine)).toMatchObject({ failure: { stage: 'test', code: 'write_broke' } });
  });
});

function edgeOf({ config }: VerifiedBundle): EdgePart {
  if (config.role === 'edge') return config.edge;
  throw new Error('an origin');
}

function member(node: string, acmeThumbprint: string) {
  return { node, acmeThumbprint, recipient: 'age1', signingKey: 'key' };
}
