import type { OffloadedTask } from 'api-types';

// The tasks on the page while they stream in: newest first, each once, with its newest state. While
// somebody points at the list it holds still, and what came meanwhile waits and is counted.
export class TaskFlow {
  shown: OffloadedTask[] = [];
  private waiting = new Map<string, OffloadedTask>();
  private held = false;

  constructor(
    private readonly most: number,
    private readonly fits: (task: OffloadedTask) => boolean,
  ) {}

  start(rows: OffloadedTask[]): void {
    this.shown = rows.slice(0, this.most);
    this.waiting.clear();
  }

  get waiting_count(): number {
    return this.waiting.size;
  }
  get is_held(): boolean {
    return this.held;
  }

  hold(held: boolean): void {
    this.held = held;
    if (!held) this.merge();
  }

  take(tasks: OffloadedTask[]): void {
    for (const task of tasks) this.waiting.set(task.id, task);
    // Pointing at a list for an hour must not fill the memory.
    while (this.waiting.size > this.most) this.waiting.delete(this.waiting.keys().next().value!);
    if (!this.held) this.merge();
  }

  private merge(): void {
    if (this.waiting.size === 0) return;
    const rows = this.shown.map((row) => {
      const newer = this.waiting.get(row.id);
      this.waiting.delete(row.id);
      return newer ?? row;
    });
    this.shown = [...[...this.waiting.values()].reverse(), ...rows].filter(this.fits).slice(0, this.most);
    this.waiting.clear();
  }
}
