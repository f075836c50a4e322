namespace Orleans.Runtime;

/// <summary>Runs the tasks of one activation one after another, on pool threads. Continuations of grain code come back here.</summary>
internal sealed class ActivationScheduler(Activation activation) : TaskScheduler
{
    private readonly Queue<Task> _queue = new();
    private bool _running;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs the action in a turn of its own, without the caller's ambient context.</summary>
    public void Post(Action action)
    {
        using (new NoFlow())
            new Task(action, TaskCreationOptions.DenyChildAttach).Start(this);
    }

    protected override void QueueTask(Task task)
    {
        lock (_queue)
        {
            _queue.Enqueue(task);
            if (_running)
                return;
            _running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static self => self.Drain(), this, preferLocal: true);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(Activation.Current, activation) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_queue)
            return [.. _queue];
    }

    private void Drain()
    {
        // After a while the thread goes back to the pool, so that a busy grain does not starve the others.
        for (var turns = 0; turns < 64; turns++)
        {
            Task? task;
            lock (_queue)
            {
                if (!_queue.TryDequeue(out task))
                {
                    _running = false;
                    return;
                }
            }

            Activation.Current = activation;
            try
            {
                TryExecuteTask(task);
            }
            finally
            {
                Activation.Current = null;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(static self => self.Drain(), this, preferLocal: false);
    }
}
