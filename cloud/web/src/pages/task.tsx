import type { Task, Trace } from 'api-types';
import { useQuery } from '../api/query';
import { Waterfall } from '../charts/waterfall';
import { duration, sentence, words } from '../format';
import { now } from '../live/live';
import { Icon } from '../parts/icons';
import { Ago, Fact, Loaded, Message, Page, Panel } from '../parts/page';
import { TaskBadge } from '../parts/state';
import { number_of, waited } from '../parts/task_table';
import { failure_meanings } from './failures';

export function TaskDetailPage({ id }: { id: string }) {
  const address = `/tasks/${encodeURIComponent(id)}`;
  const query = useQuery<Task>(address, 3);
  const trace = useQuery<Trace>(query.data ? `${address}/trace` : null, 3);
  const task = query.data;
  return (
    <Page title={`Task ${number_of(id)}`} wide lead={task && <><TaskBadge task={task} /> <span>{task.kind}</span> <span>from <a href={`/devices/${task.device}`}>{task.device}</a></span></>}>
      <p class="crumbs"><a href="/tasks"><Icon name="left" size={14} />All tasks</a></p>
      <Loaded query={query} rows={6}>{(data) => <>
        {data.failure !== 'none' && <ul class="reasons" aria-label="Failure"><li class="tone-bad"><Icon name="cross" /><b>{sentence(words(data.failure))}</b><span>{failure_meanings[data.failure]}</span></li></ul>}
        <Panel title="Where its time went">
          <Loaded query={trace} rows={4} empty={(held) => held.spans.length === 0 && <Message icon="clock" title="No spans are kept of this task" />}>
            {(held) => <Waterfall trace={held} now_s={(now.value - Date.parse(held.began)) / 1000} />}
          </Loaded>
        </Panel>
        <div class="split even"><Placement task={data} /><Facts task={data} /></div>
      </>}</Loaded>
    </Page>
  );
}

// The cloud sees the attempt it was granted; the owner's weighing of the places stays on the device.
function Placement({ task }: { task: Task }) {
  return (
    <Panel title="Placement">
      <ul class="why-list">
        <li><b>{task.device} owns it</b><span>It accepted the task, keeps it on disk, and decides its outcome.</span></li>
        <li><b>It placed this attempt in the cloud</b><span>Its uplink had room, and by its own prediction the cloud was the better place, or the task asked for it.</span></li>
        <li><b>Epoch {task.epoch}</b><span>{task.epoch > 1 ? `Granted ${task.epoch} times. ` : 'Its first grant. '}A success of any grant counts, the first one wins; what comes later is told apart by its epoch and dropped.</span></li>
      </ul>
      <p class="prose">The figures it compared, and what would change its mind, are stored on the device:</p>
      <pre class="command"><code>spillway why {number_of(task.id)}</code></pre>
    </Panel>
  );
}

function Facts({ task }: { task: Task }) {
  return (
    <Panel title="Facts">
      <dl class="facts">
        <Fact name="Accepted"><Ago at={task.accepted} /></Fact><Fact name="Started">{task.started ? <Ago at={task.started} /> : 'not yet'}</Fact><Fact name="Ended">{task.ended ? <Ago at={task.ended} /> : 'not yet'}</Fact>
        <Fact name="Waited">{task.started ? duration(waited(task)) : '–'}</Fact><Fact name="Ran">{duration(task.ran_s)}</Fact><Fact name="CPU">{duration(task.cpu_s)}</Fact>
        <Fact name="Kind"><a href={`/tasks?kind=${encodeURIComponent(task.kind)}`}>{task.kind}</a></Fact><Fact name="Band">{sentence(task.band)}</Fact><Fact name="Epoch">{task.epoch}</Fact>
        <Fact name="Id"><code class="break">{task.id}</code></Fact>
      </dl>
    </Panel>
  );
}
