import { describe, expect, it } from 'vitest';
import { rememberAddress } from './own-address.ts';

const MINUTES = 60_000;

describe('the announced address', () => {
  function remember() {
    const world = { now: 0, looks: 0, found: { ipv4: '203.0.113.1' } as object, hangs: false, fails: false };
    const address = rememberAddress(
      async () => {
        world.looks += 1;
        if (world.hangs) await new Promise(() => undefined);
        if (world.fails) throw new Error('no DNS');
        return world.found;
      },
      () => world.now,
    );
    return { world, address };
  }

  it('is looked up once for many who ask at once', async () => {
    const { world, address } = remember();
    expect(address.known()).toBeUndefined();
    await Promise.all([address.get(), address.get()]);
    await address.get();
    expect([world.looks, address.known()]).toEqual([1, { ipv4: '203.0.113.1' }]);
  });

  it('is given at once while it is looked up again, also when that hangs', async () => {
    const { world, address } = remember();
    await address.get();
    world.now = 6 * MINUTES;
    world.hangs = true;
    expect(await address.get()).toEqual({ ipv4: '203.0.113.1' });
    expect(await address.get()).toEqual({ ipv4: '203.0.113.1' });
    expect(world.looks).toBe(2);
  });

  it('follows a change within minutes', async () => {
    const { world, address } = remember();
    await address.get();
    world.now = 6 * MINUTES;
    world.found = { ipv4: '203.0.113.2', ipv6: '2001:db8::1' };
    await address.get();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await address.get()).toEqual(world.found);
  });

  it.each(['fails', 'empty'])('is not forgotten when a look-up is %s', async (how) => {
    const { world, address } = remember();
    await address.get();
    world.now = 6 * MINUTES;
    if (how === 'fails') world.fails = true;
    else world.found = {};
    await address.get();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await address.get()).toEqual({ ipv4: '203.0.113.1' });
  });

  it('may be none', async () => {
    const { world, address } = remember();
    world.fails = true;
    expect(await address.get()).toEqual({});
  });
});
