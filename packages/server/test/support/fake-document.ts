/** As much of a browser's document as the page of the API needs: a tree of elements with their own texts. */
export class FakeElement {
  readonly tag: string;
  children: (FakeElement | string)[] = [];
  textContent = '';
  value = '';
  hidden = false;
  readonly #listeners = new Map<string, () => unknown>();

  constructor(tag: string) {
    this.tag = tag;
  }

  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.children = children;
  }

  addEventListener(name: string, listener: () => unknown): void {
    this.#listeners.set(name, listener);
  }

  /** Resolves once the listener is through. */
  async click(): Promise<void> {
    await this.#listeners.get('click')?.();
  }

  /** This element and all below, in order. */
  *all(): Iterable<FakeElement> {
    yield this;
    for (const child of this.children) if (typeof child !== 'string') yield* child.all();
  }

  /** All texts, one a line. */
  get text(): string {
    const own = this.textContent === '' ? [] : [this.textContent];
    return [...own, ...this.children.map((child) => (typeof child === 'string' ? child : child.text))].join('\n');
  }
}

export const fakeDocument = { createElement: (tag: string) => new FakeElement(tag) };
