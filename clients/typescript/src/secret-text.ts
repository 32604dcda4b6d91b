const text = new WeakMap<SecretText, string>();

/** The text of a credential. Printed, logged, inspected or serialised it is `***`; only `reveal` gives the text. */
export class SecretText {
  constructor(value: string) {
    text.set(this, value);
  }

  /** The text itself. Ask for it where it is needed, and keep it nowhere. */
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
