// Texts that were needed recently, up to a bound in characters; the longest unused one goes first.

export interface TextCache {
  get(key: string): string | undefined;
  set(key: string, text: string): void;
}

export function createTextCache(charsMax: number): TextCache {
  // A Map keeps the order of insertion; what is used is inserted again.
  const texts = new Map<string, string>();
  let chars = 0;
  const drop = (key: string) => {
    chars -= texts.get(key)?.length ?? 0;
    texts.delete(key);
  };
  return {
    get(key) {
      const text = texts.get(key);
      if (text === undefined) return undefined;
      texts.delete(key);
      texts.set(key, text);
      return text;
    },
    set(key, text) {
      drop(key);
      if (text.length > charsMax) return;
      texts.set(key, text);
      chars += text.length;
      for (const oldest of texts.keys()) if (chars > charsMax) drop(oldest);
    },
  };
}
