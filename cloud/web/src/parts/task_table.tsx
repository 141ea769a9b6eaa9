import type { OffloadedTask } from 'api-types';
import { duration, sentence } from '../format';
import { Ago } from './page';
import { TaskBadge } from './state';

export function TaskTable({
  label,
  tasks,
  with_device = true,
}: {
  label: string;
  tasks: OffloadedTask[];
  with_device?: boolean;
}) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table class="table tasks">
        <thead>
          <tr>
            <th>Task</th>
            <th>State</th>
            <th>Kind</th>
            {with_device && <th>Device</th>}
            <th>Band</th>
            <th class="right">Epoch</th>
            <th class="right">Waited</th>
            <th class="right">Ran</th>
            <th class="right">Accepted</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <a class="mono" href={`/tasks/${encodeURIComponent(task.id)}`} title={task.id}>
                  {short_id(task.id)}
                </a>
              </td>
              <td>
                <TaskBadge task={task} />
              </td>
              <td>{task.kind}</td>
              {with_device && (
                <td>
                  <a href={`/devices/${task.device}`}>{task.device}</a>
                </td>
              )}
              <td>{sentence(task.band)}</td>
              <td class="right">{task.epoch}</td>
              <td class="right">{task.started ? duration(waited(task)) : '–'}</td>
              <td class="right">{duration(task.ran_s)}</td>
              <td class="right nowrap">
                <Ago at={task.accepted} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// An id is its owner's, sixteen digits, and a number that its owner counts up.
export const short_id = (id: string): string => id.replace(/^(.{4}).*-/, '$1…-');
export const number_of = (id: string): string => id.slice(id.lastIndexOf('-') + 1);

// Seconds from acceptance to its start.
export const waited = (task: OffloadedTask): number =>
  Math.max(0, (Date.parse(task.started!) - Date.parse(task.accepted)) / 1000);
