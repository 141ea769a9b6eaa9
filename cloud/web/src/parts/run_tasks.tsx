import { useSignal } from '@preact/signals';
import type { DeviceFacets, KindList, NewTask, Selector, SubmitOutcome } from 'api-types';
import { may, send } from '../api/client';
import { useQuery } from '../api/query';
import { plural } from '../format';
import { go } from '../router';
import { Dialog } from './dialog';
import { Icon } from './icons';
import { arguments_of, bands, deadlines, type Aim } from './run_form';
import { toast } from './toast';

// Opens the form; only for those who may.
export function RunButton({ aim, whom, primary = false }: { aim: Aim; whom: string; primary?: boolean }) {
  const open = useSignal(false);
  if (!may('operate')) return null;
  return (
    <>
      <button
        class={primary ? 'button primary' : 'button'}
        onClick={() => {
          open.value = true;
        }}
      >
        <Icon name="play" />
        Run a task…
      </button>
      {open.value && (
        <RunDialog
          aim={aim}
          whom={whom}
          close={() => {
            open.value = false;
          }}
        />
      )}
    </>
  );
}

// First says how many devices would get it, then sends. A change after the count asks for a new one.
function RunDialog({ aim, whom, close }: { aim: Aim; whom: string; close: () => void }) {
  const facets = useQuery<DeviceFacets>('/devices/facets').data,
    kinds = useQuery<KindList>('/kinds').data;
  const kind = useSignal(''),
    args = useSignal(''),
    input = useSignal(''),
    band = useSignal('normal'),
    deadline = useSignal('86400'),
    group = useSignal('');
  const counted = useSignal<number | null>(null),
    said = useSignal(''),
    busy = useSignal(false);
  const set =
    (field: { value: string }) =>
    (event: { currentTarget: { value: string } }): void => {
      field.value = event.currentTarget.value;
      counted.value = null;
      said.value = '';
    };
  const everyone = 'select' in aim && Object.keys(aim.select).length === 0;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const parsed = arguments_of(args.value);
    if (typeof parsed === 'string') {
      said.value = parsed;
      return;
    }
    const select: Selector = everyone && group.value ? { group: group.value } : {};
    const task: NewTask = {
      kind: kind.value.trim(),
      args: parsed,
      input: input.value,
      band: band.value as (typeof bands)[number],
      deadline_s: Number(deadline.value),
      ...(everyone ? { select } : aim),
      dry_run: counted.value === null,
    };
    busy.value = true;
    try {
      const outcome = await send<SubmitOutcome>('POST', '/tasks/dispatched', task);
      if (task.dry_run) counted.value = outcome.matched;
      else {
        close();
        toast(`Dispatched to ${plural(outcome.matched, 'device')}`);
        go(`/tasks/dispatched/${outcome.group}`);
      }
    } catch (error) {
      counted.value = null;
      said.value = (error as Error).message;
    }
    busy.value = false;
  };
  const n = counted.value;
  return (
    <Dialog title="Run a task on devices" close={close} wide>
      <form onSubmit={submit}>
        <p>
          One task for {everyone && group.value ? `each device of the group ${group.value}` : whom}. A device that is
          away gets it when it returns, until its deadline.
        </p>
        <div class="fields">
          <label class="field">
            <span>Kind</span>
            <input
              type="text"
              list="run-kinds"
              required
              maxLength={64}
              autocomplete="off"
              spellcheck={false}
              value={kind.value}
              onInput={set(kind)}
            />
          </label>
          <datalist id="run-kinds">
            {kinds?.items.map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {everyone && Object.keys(facets?.groups ?? {}).length > 0 && (
            <label class="field">
              <span>Devices</span>
              <select value={group.value} onChange={set(group)}>
                <option value="">All of the fleet</option>
                {Object.keys(facets!.groups)
                  .filter(Boolean)
                  .map((name) => (
                    <option key={name} value={name}>
                      Group {name}
                    </option>
                  ))}
              </select>
            </label>
          )}
          <label class="field">
            <span>Band</span>
            <select value={band.value} onChange={set(band)}>
              {bands.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Until</span>
            <select value={deadline.value} onChange={set(deadline)}>
              {deadlines.map(([seconds, word]) => (
                <option key={seconds} value={seconds}>
                  {word}
                </option>
              ))}
            </select>
          </label>
        </div>
        <label class="field">
          <span>
            Arguments <small>name=value, one a line</small>
          </span>
          <textarea rows={2} spellcheck={false} value={args.value} onInput={set(args)} />
        </label>
        <label class="field">
          <span>
            Input <small>text, up to 64 KiB</small>
          </span>
          <textarea rows={3} maxLength={65536} spellcheck={false} value={input.value} onInput={set(input)} />
        </label>
        <div aria-live="polite">
          {said.value ? (
            <p class="form-error" role="alert">
              <Icon name="warn" />
              {said.value}
            </p>
          ) : (
            n !== null && (
              <p class={`outcome tone-${n ? 'info' : 'warn'}`}>
                <Icon name={n ? 'device' : 'warn'} />
                {n ? `${plural(n, 'device')} would get it now.` : 'No device matches: nothing would be sent.'}
              </p>
            )
          )}
        </div>
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button class="button primary" disabled={busy.value || n === 0}>
            {n ? `Send to ${plural(n, 'device')}` : 'Count the devices'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
