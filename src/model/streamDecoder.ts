/** Text from tokens that arrive one by one, without ever giving half of a UTF-8 character. */

export interface StreamDecoder {
  /** The new text after one more token; empty while a character is incomplete. */
  push(tokenId: number): string;
  /** What is left at the end; an incomplete character becomes U+FFFD. */
  end(): string;
}

/** Tokens after which the window restarts, so that a long text costs no more per token than a short one. */
const windowTokens = 16;

/** What an incomplete character at the end of the bytes decodes to: exactly one, by the WHATWG rules. */
const replacement = '\ufffd';

/**
 * Decodes over a window of tokens: `context` tokens, whose text is known and complete, lead the new ones, as some
 * decoders treat the first token differently (they drop its leading space).
 * @param decode text of a list of tokens; the text of a longer list begins with the text of a shorter one,
 *   apart from an incomplete character at its end
 */
export function streamDecoder(decode: (tokenIds: readonly number[]) => string): StreamDecoder {
  let window: number[] = [];
  let contextTokens = 0;
  /** Characters of the window's text that were given already. */
  let given = 0;

  const restart = () => {
    window = window.slice(contextTokens);
    contextTokens = window.length;
    given = decode(window).length;
  };
  return {
    push(tokenId) {
      window.push(tokenId);
      const text = decode(window);
      const complete = !text.endsWith(replacement);
      const end = complete ? text.length : text.length - 1;
      const fresh = text.slice(given, end);
      given = Math.max(given, end);
      if (complete && window.length - contextTokens >= windowTokens) restart();
      return fresh;
    },
    end() {
      const rest = decode(window).slice(given);
      window = [];
      contextTokens = 0;
      given = 0;
      return rest;
    },
  };
}
