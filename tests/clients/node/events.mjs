// What came, in order: told to the Python test as JSON lines, and waited for.

export function tell(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

export class Events {
  #all = [];
  #passed = 0;
  #news = Promise.withResolvers();

  take(event) {
    this.#all.push(event);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** The next event of one of these kinds, behind the last that was waited for. */
  async waitFor(...kinds) {
    for (;;) {
      while (this.#passed < this.#all.length) {
        const event = this.#all[this.#passed++];
        if (kinds.includes(event.type)) return event;
      }
      await this.#news.promise;
    }
  }

  /** The first event of all that is as wanted, which may have come before. */
  async find(isWanted) {
    for (let place = 0; ; place++) {
      while (place === this.#all.length) await this.#news.promise;
      if (isWanted(this.#all[place])) return this.#all[place];
    }
  }

  /** One event of each of these, in whatever order they come. */
  async waitForAll(...kinds) {
    const missing = [...kinds];
    while (missing.length) {
      const { type } = await this.waitFor(...missing);
      missing.splice(missing.indexOf(type), 1);
    }
  }
}
