const text = new WeakMap<SecretText, string>();

/** The text of a credential. It prints, inspects and serialises as `***`; only `reveal` returns the text. */
export class SecretText {
  constructor(value: string) {
    text.set(this, value);
  }

  /** Returns the text. Call it where the text is needed, and do not keep the result. */
  reveal(): string {
    return text.get(this)!;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***';
  }
}
