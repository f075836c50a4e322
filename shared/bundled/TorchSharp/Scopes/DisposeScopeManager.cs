namespace TorchSharp;

/// <summary>The stack of dispose scopes of one thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? t_singleton;

    internal static DisposeScopeManager ThreadSingleton => t_singleton ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics StatisticsInstance { get; } = new();

    internal DisposeScope? CurrentDisposeScope { get; private set; }

    /// <summary>How many tensors this thread has made, kept and disposed.</summary>
    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.StatisticsInstance;

    internal DisposeScope? RegisterOnCurrentDisposeScope(torch.Tensor tensor)
    {
        if (CurrentDisposeScope is null)
        {
            StatisticsInstance.TensorStatistics.CreatedOutsideScopeCount++;
            return null;
        }
        StatisticsInstance.TensorStatistics.CreatedInScopeCount++;
        CurrentDisposeScope.Disposables.Add(tensor);
        return CurrentDisposeScope;
    }

    internal void DisposingOnCurrentScope(torch.Tensor tensor)
    {
        if (tensor.OwningDisposeScope is null)
            StatisticsInstance.TensorStatistics.DisposedOutsideScopeCount++;
        else
            StatisticsInstance.TensorStatistics.DisposedInScopeCount++;
    }

    internal DisposeScope NewDisposeScope() => CurrentDisposeScope = new DisposeScope(this);

    internal void RemoveDisposeScope(DisposeScope scope)
    {
        if (ReferenceEquals(CurrentDisposeScope, scope))
        {
            CurrentDisposeScope = scope.OuterScope;
            return;
        }
        for (var inner = CurrentDisposeScope; inner is not null; inner = inner.OuterScope)
        {
            if (ReferenceEquals(inner.OuterScope, scope))
            {
                inner.OuterScope = scope.OuterScope;
                return;
            }
        }
    }
}
