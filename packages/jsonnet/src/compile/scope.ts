/** Slots of a frame, given out while the code that uses them is compiled. */
export class FrameLayout {
  size = 0;

  add(): number {
    this.size += 1;
    return this.size - 1;
  }
}

/** Where a variable is at run time: how many frames up, and in which slot. */
export interface Variable {
  readonly hops: number;
  readonly slot: number;
}

/** Names that an expression sees. Scopes of one function share its frame. */
export class Scope {
  readonly layout: FrameLayout;
  /** Whether `self` and `super` mean something here. */
  readonly inObject: boolean;
  readonly #parent: Scope | undefined;
  readonly #ownsFrame: boolean;
  readonly #names = new Map<string, number>();

  private constructor(parent: Scope | undefined, layout: FrameLayout | undefined, inObject: boolean) {
    this.#parent = parent;
    this.#ownsFrame = layout !== undefined;
    this.layout = layout ?? parent?.layout ?? new FrameLayout();
    this.inObject = inObject;
  }

  static program(): Scope {
    return new Scope(undefined, new FrameLayout(), false);
  }

  /** More names in the same frame. */
  block(): Scope {
    return new Scope(this, undefined, this.inObject);
  }

  /** A frame of its own: a function or an iteration. */
  frame(): Scope {
    return new Scope(this, new FrameLayout(), this.inObject);
  }

  /** The inside of an object. */
  object(): Scope {
    const scope = new Scope(this, new FrameLayout(), true);
    if (!this.inObject) scope.#names.set('$', -1);
    return scope;
  }

  declare(name: string): number {
    const slot = this.layout.add();
    this.#names.set(name, slot);
    return slot;
  }

  /** `$` is found by that name; its slot means nothing, its frame's `self` does. */
  find(name: string): Variable | undefined {
    let hops = 0;
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.#parent) {
      const slot = scope.#names.get(name);
      if (slot !== undefined) return { hops, slot };
      if (scope.#ownsFrame) hops += 1;
    }
    return undefined;
  }
}
