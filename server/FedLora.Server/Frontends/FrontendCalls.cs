using System.Reflection;
using Orleans.Runtime.Messaging;

namespace FedLora.Server.Frontends;

/// <summary>
/// What becomes of a frontend's calls when a silo dies. Orleans' client would have those that are under way wait out their response
/// timeout, half a minute, through whichever silo they went: nobody tells it which silo they have come to. So every one that is under way
/// is given up then, and made again where that does no harm (<see cref="RepeatableAttribute"/>), until another silo has the grain.
/// </summary>
internal sealed class FrontendCalls(SiloDeaths deaths, TimeProvider time) : IOutgoingGrainCallFilter
{
    /// <summary>How long a call is made again before its caller is told that the cluster does not answer.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var last = context.Request.GetArgumentCount() - 1;
        if (last < 0 || context.Request.GetArgument(last) is not CancellationToken cancellationToken)
        {
            await context.Invoke();
            return;
        }

        var isRepeatable = context.InterfaceMethod.IsDefined(typeof(RepeatableAttribute));
        long? since = null;
        while (await TryAsync(context, last, isRepeatable, cancellationToken) is { } lost)
        {
            since ??= time.GetTimestamp();
            if (!isRepeatable || time.GetElapsedTime(since.Value) >= Patience)
                throw new SiloUnavailableException($"{context.MethodName} was not answered: {lost.Message}", lost);
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    // Null where it was answered, by a refusal too; otherwise what has kept it from being.
    private async Task<Exception?> TryAsync(IOutgoingGrainCallContext context, int last, bool isRepeatable,
        CancellationToken cancellationToken)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken,
            isRepeatable ? deaths.Next : deaths.NextAndMore);
        context.Request.SetArgument(last, attempt.Token);
        try
        {
            await context.Invoke();
            return null;
        }
        catch (OperationCanceledException error) when (attempt.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return error;
        }
        catch (Exception error) when (error is OrleansMessageRejectionException or ConnectionFailedException)
        {
            return error;
        }
    }
}
