namespace Orleans.Runtime;

/// <summary>One call on its way to an activation.</summary>
internal abstract class Call
{
    /// <summary>May start while other calls are at an await.</summary>
    public abstract bool Interleaves { get; }

    /// <summary>Counts as use of the activation.</summary>
    public virtual bool KeepsAlive => true;

    /// <summary>What it is, for people.</summary>
    public abstract string Description { get; }

    /// <summary>The caller has given up, or it makes no sense any more.</summary>
    public abstract bool IsAbandoned { get; }

    /// <summary>Runs it on the grain; never throws. True where the activation's state can no longer be trusted.</summary>
    public abstract Task<bool> RunAsync(object grain);

    /// <summary>Tells the caller how it went, when the activation has put the turn away: who has an answer may rely on that.</summary>
    public virtual void Complete()
    {
    }

    /// <summary>Tells the caller that it will not run.</summary>
    public abstract void Reject(Exception exception);

    /// <summary>The activation ends before the call ran: true where a new activation should take it.</summary>
    public abstract bool MovesOn { get; }
}
