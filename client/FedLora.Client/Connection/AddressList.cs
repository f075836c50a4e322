using System.Net;
using System.Net.Sockets;

namespace FedLora.Client.Connection;

/// <summary>
/// The addresses of a coordinator, tried one after another, beginning with the one that answered last. One that says nothing, neither yes
/// nor no, costs <see cref="Limit"/>, not the caller's whole patience; one that took the last connection and then said nothing is passed
/// over once.
/// </summary>
/// <param name="all">At least one.</param>
/// <param name="open">Opens a connection to one.</param>
/// <param name="time">Measures the limit.</param>
internal sealed class AddressList(IReadOnlyList<DnsEndPoint> all, Func<DnsEndPoint, CancellationToken, ValueTask<CountingStream>> open,
    TimeProvider time)
{
    /// <summary>For one address: a lost first packet is sent again after 1 s, and after 3.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private int _next;
    private CountingStream? _opened;

    /// <summary>Longest that <see cref="ConnectAsync"/> takes.</summary>
    internal TimeSpan Longest => Limit * all.Count;

    /// <summary>A connection to the first of them that answers.</summary>
    /// <exception cref="NoAddressException">None did.</exception>
    internal async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_opened is { HasReceived: false })
            Pass(_next);
        _opened = null;
        var failures = new List<string>(all.Count);
        while (true)
        {
            var which = _next;
            try
            {
                return _opened = await OpenAsync(all[which], cancellationToken);
            }
            catch (Exception error) when (error is SocketException or TimeoutException)
            {
                failures.Add($"{all[which].Host}:{all[which].Port} {What(error)}");
                Pass(which);
                if (failures.Count == all.Count)
                    throw new NoAddressException(string.Join("; ", failures), error);
            }
        }
    }

    // Two connections may be made at once: each moves on from the address that it has tried itself.
    private void Pass(int which) => Interlocked.CompareExchange(ref _next, (which + 1) % all.Count, which);

    private async ValueTask<CountingStream> OpenAsync(DnsEndPoint to, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await open(to, either.Token);
        }
        catch (OperationCanceledException error) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {Limit.TotalSeconds:0} s", error);
        }
    }

    private static string What(Exception error) => error switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "refuses the connection",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            "is not a known host",
        TimeoutException => $"did not answer within {Limit.TotalSeconds:0} s",
        _ => $"cannot be reached ({error.Message})",
    };
}

/// <summary>No address of a coordinator could be connected to; the message says of each why.</summary>
internal sealed class NoAddressException(string message, Exception last) : IOException(message, last);
