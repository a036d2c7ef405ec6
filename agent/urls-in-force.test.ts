import { describe, expect, it } from 'vitest';
import { createUrlsInForce } from './urls-in-force.ts';

describe('where the control plane is', () => {
  const TOLD = ['https://first.test'];

  it('is what join was told, and then what the configuration says besides', () => {
    const urls = createUrlsInForce(TOLD);
    expect(urls.all()).toEqual(TOLD);
    urls.learn(['https://second.test', 'https://first.test']);
    expect(urls.all()).toEqual(['https://first.test', 'https://second.test']);
    urls.learn([]);
    expect(urls.all()).toEqual(TOLD);
  });

  it('is never a place that a token must not go to, and never without bound', () => {
    const urls = createUrlsInForce(TOLD);
    urls.learn(['http://second.test', 'file:///etc/passwd', 'https://u:p@x.test', 'not a URL']);
    expect(urls.all()).toEqual(TOLD);
    urls.learn(Array.from({ length: 50 }, (_, index) => `https://${index}.test`));
    expect([urls.all().length, urls.all()[0]]).toEqual([8, 'https://first.test']);
  });
});
