// What operators sent to devices, over the mock's fleet: three submissions in different stages.
const origin = '7f3a9c21d04b55e6';
const iso = (ms) => new Date(ms).toISOString();
const states = ['waiting', 'ready', 'leased', 'running', 'succeeded', 'failed', 'cancelled', 'expired'];
const open = ['waiting', 'ready', 'leased', 'running'];

export class Dispatched {
  constructor(fleet) {
    Object.assign(this, { fleet, groups: [], tasks: [] });
    if (fleet.devices.length === 0) return;
    const some = (n) => fleet.devices.slice(0, n).map(({ id }) => id);
    this.submit('hash.sha256', some(12), (at) => (at < 9 ? 'succeeded' : at < 11 ? 'failed' : 'expired'), 5_400_000);
    this.submit(
      'stats.window',
      some(142),
      (at) =>
        at < 80
          ? 'succeeded'
          : at < 84
            ? 'failed'
            : at < 104
              ? 'running'
              : at < 112
                ? 'leased'
                : at < 139
                  ? 'ready'
                  : 'waiting',
      42_000,
    );
    this.submit('echo', some(1), () => 'succeeded', 9000);
  }

  submit(kind, devices, state = () => 'ready', ago = 0) {
    const first = this.tasks.length + 1,
      now = Date.now(),
      id = `${origin}-${first}x${devices.length}`;
    this.groups.unshift({ id, size: devices.length, kind, created: iso(now - ago), forgotten: 0 });
    devices.forEach((device, at) =>
      this.tasks.unshift({
        id: `${origin}-${first + at}`,
        device,
        kind,
        state: state(at),
        reason: state(at) === 'waiting' ? 'no_place' : 'none',
        band: 'normal',
        epoch: ['ready', 'waiting'].includes(state(at)) ? 0 : 1,
        grants: ['ready', 'waiting'].includes(state(at)) ? 0 : 1,
        attempts: state(at) === 'failed' ? 3 : 0,
        crashes: 0,
        losses: 0,
        last_failure: state(at) === 'failed' ? 'error' : 'none',
        created: iso(now - ago),
        since: iso(now - ago / 3),
        deadline: open.includes(state(at)) ? iso(now + 86_400_000) : null,
        group: id,
      }),
    );
    return id;
  }

  counted(group) {
    const members = this.tasks.filter((task) => task.group === group.id);
    return {
      ...group,
      states: Object.fromEntries(states.map((state) => [state, members.filter((task) => task.state === state).length])),
    };
  }
  list(query) {
    const wanted = (task) =>
      ['state', 'device', 'kind', 'group'].every((name) => !query.get(name) || task[name] === query.get(name));
    return this.tasks.filter(wanted).map(({ group: _, ...row }) => row);
  }
  detail(id) {
    const task = this.tasks.find((one) => one.id === id);
    if (!task) return undefined;
    const text = task.kind === 'echo' ? 'it works' : '{"mean": 21.4, "rms": 22.01, "rows": 5760}',
      at = task.since;
    const result = {
      value_text: text,
      value_base64url: Buffer.from(text).toString('base64url'),
      cpu_s: 0.0214,
      bytes_sent: 40,
      bytes_received: text.length,
      error: null,
    };
    const failed = {
      ...result,
      value_text: '',
      value_base64url: '',
      error: { failure: 'error', code: 'invalid_argument', message: 'column 3 is not a number in row 17' },
    };
    const event = (what, more = {}) => ({ at, what, epoch: task.epoch, failure: 'none', detail: '', ...more });
    return {
      ...task,
      labels: {},
      waits_because:
        task.state === 'waiting'
          ? `the device does not take ${task.kind} from the cloud`
          : task.state === 'ready'
            ? 'the device is not connected'
            : '',
      result: task.state === 'succeeded' ? result : task.state === 'failed' ? failed : null,
      events: [
        event('accepted', { epoch: 0 }),
        ...(task.epoch ? [event('granted'), event('started')] : []),
        ...(task.state === 'failed'
          ? [event('failed', { failure: 'error', detail: 'column 3 is not a number in row 17' })]
          : []),
        ...(task.state === 'succeeded' ? [event('succeeded')] : []),
      ],
    };
  }

  // What an operator asks for: 409 as the cloud would say it.
  change(task, verb) {
    if (verb === 'cancel' ? !open.includes(task.state) : open.includes(task.state) || task.state === 'succeeded')
      return false;
    Object.assign(task, { state: verb === 'cancel' ? 'cancelled' : 'ready', since: iso(Date.now()) });
    return true;
  }

  read(path, top, id, more, query, page) {
    if (path === '/task-groups') return page(this.groups.map((group) => this.counted(group)));
    if (path === '/tasks/dispatched') return page(this.list(query));
    if (top === 'tasks' && id === 'dispatched') return this.detail(more);
    const group = top === 'task-groups' && this.groups.find((one) => one.id === id);
    return group ? this.counted(group) : undefined;
  }
  // [status, body], or nothing when it is not about these.
  write(path, top, id, more, body) {
    if (path === '/tasks/dispatched') {
      const devices =
        body.devices ??
        this.fleet
          .matching(new URLSearchParams(Object.entries(body.select).map(([key, value]) => [key, String(value)])))
          .map((device) => device.id);
      const outcome = {
        matched: devices.length,
        dry_run: !!body.dry_run,
        repeated: false,
        group: null,
        first_task: null,
      };
      if (body.dry_run) return [200, outcome];
      const group = this.submit(body.kind, devices);
      return [201, { ...outcome, group, first_task: group.split('x')[0] }];
    }
    if (top === 'tasks') {
      const task = this.tasks.find((one) => one.id === id);
      return task && this.change(task, more) ? [200, this.detail(id)] : [409, null];
    }
    const group = top === 'task-groups' && this.groups.find((one) => one.id === id);
    if (!group) return undefined;
    for (const task of this.tasks) if (task.group === id) this.change(task, more);
    return [200, this.counted(group)];
  }
}
