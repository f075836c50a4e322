using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>The activations of this process.</summary>
internal sealed class Silo(
    IServiceProvider services,
    IOptions<GrainCollectionOptions> collection,
    IOptions<SiloMessagingOptions> messaging,
    TimeProvider time,
    ILogger<Silo> logger) : IHostedService, IAsyncDisposable
{
    private readonly GrainClasses _classes = new();
    private readonly Dictionary<GrainId, Activation> _activations = [];
    private ITimer? _collector;
    private bool _stopping;

    public IServiceProvider Services => services;

    public GrainCollectionOptions Collection => collection.Value;

    public TimeProvider Time => time;

    public ILogger Log => logger;

    public GrainClass ClassFor(Type interfaceType, string? classNamePrefix) => _classes.For(interfaceType, classNamePrefix);

    /// <summary>Sends a call; the task is the caller's answer.</summary>
    public Task<object?> Send(GrainId id, GrainMethod method, object?[] arguments)
    {
        var cancellation = method.Cancellation(arguments);
        if (cancellation.IsCancellationRequested)
            return Task.FromCanceled<object?>(cancellation);
        try
        {
            var call = new MethodCall(method, method.Copy(arguments), id, method.ResponseTimeout ?? messaging.Value.ResponseTimeout, time);
            Dispatch(id, call);
            return call.Answer;
        }
        catch (Serialization.SerializerException exception)
        {
            return Task.FromException<object?>(exception);
        }
    }

    /// <summary>Hands the call to the grain's activation, which is made if there is none.</summary>
    public void Dispatch(GrainId id, Call call)
    {
        while (true)
        {
            Activation? activation;
            lock (_activations)
            {
                if (!_activations.TryGetValue(id, out activation))
                {
                    if (_stopping)
                    {
                        call.Reject(new SiloUnavailableException($"The local Orleans host is shutting down and can no longer process the request: {call.Description}."));
                        return;
                    }

                    activation = new(this, _classes.For(id.Type), id);
                    _activations.Add(id, activation);
                    activation.Start();
                }
            }

            if (activation.Receive(call))
                return;
            Remove(activation);
        }
    }

    public void Remove(Activation activation)
    {
        lock (_activations)
        {
            if (_activations.TryGetValue(activation.GrainId, out var present) && ReferenceEquals(present, activation))
                _activations.Remove(activation.GrainId);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _collector = time.CreateTimer(static silo => ((Silo)silo!).Collect(), this, Collection.CollectionQuantum, Collection.CollectionQuantum);
        logger.Started();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_collector is not null)
            await _collector.DisposeAsync();
        lock (_activations)
            _stopping = true;
        var all = All();
        foreach (var activation in all)
            activation.Deactivate(new(DeactivationReasonCode.ShuttingDown, "The silo is shutting down."), cancellationToken);
        await Task.WhenAll(all.Select(activation => activation.Deactivated)).WaitAsync(cancellationToken);
        logger.Stopped();
    }

    public async ValueTask DisposeAsync()
    {
        if (_collector is not null)
            await _collector.DisposeAsync();
    }

    private void Collect()
    {
        foreach (var activation in All())
            activation.CollectIfIdle();
    }

    private Activation[] All()
    {
        lock (_activations)
            return [.. _activations.Values];
    }
}
