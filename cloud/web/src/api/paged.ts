export interface Page<T> {
  items: T[];
  next: string | null;
}

// A list that is read page by page, by cursor, as far as somebody looks. One request at a time;
// after a failure nothing is asked again before retry().
export class Paged<T, P extends Page<T> = Page<T>> {
  readonly rows: T[] = [];
  newest: P | null = null; // the page that came last, for what it says beside its rows
  done = false;
  error: unknown = null;
  private readonly pages: { cursor: string | null; start: number; size: number }[] = [];
  private next: string | null = null;
  private wanted = 0;
  private busy = false;
  private left = false;

  constructor(
    private readonly load: (cursor: string | null) => Promise<P>,
    private readonly changed: () => void,
  ) {}

  // Rows up to `end` are looked at.
  need(end: number): void {
    this.wanted = Math.max(this.wanted, end);
    void this.alone(() => this.extend());
  }

  retry(): void {
    this.error = null;
    void this.alone(() => this.extend());
  }

  // Reads what is in sight again. A row that moved to another page stays where it was until then:
  // a list that jumps under the reader is worse than one that is a little out of order.
  renew(first: number, last: number): void {
    const seen = this.pages.filter(({ start, size }) => start < last && start + size > first);
    void this.alone(async () => {
      for (const page of seen) {
        const { items } = await this.load(page.cursor);
        if (this.left) return;
        items.slice(0, page.size).forEach((item, at) => {
          this.rows[page.start + at] = item;
        });
        this.changed();
      }
    });
  }

  // The list is not shown any more: what is still on its way is ignored.
  leave(): void {
    this.left = true;
  }

  private async alone(work: () => Promise<void>): Promise<void> {
    if (this.busy || this.left) return;
    this.busy = true;
    try {
      await work();
    } catch (error) {
      if (!this.left) {
        this.error = error;
        this.changed();
      }
    }
    this.busy = false;
    // Somebody scrolled on, or asked for another try, meanwhile.
    if (!this.left && !this.error && !this.done && this.rows.length < this.wanted) void this.alone(() => this.extend());
  }

  private async extend(): Promise<void> {
    while (!this.done && !this.error && this.rows.length < this.wanted) {
      const page = await this.load(this.next);
      if (this.left) return;
      this.pages.push({ cursor: this.next, start: this.rows.length, size: page.items.length });
      for (const item of page.items) this.rows.push(item);
      this.newest = page;
      // A page with a cursor and no rows would be asked for forever.
      this.done = page.next === null || page.items.length === 0;
      this.next = page.next;
      this.changed();
    }
  }
}
