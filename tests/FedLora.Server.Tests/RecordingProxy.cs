using FedLora.Tests;

namespace FedLora.Server.Tests;

/// <summary>Keeps every byte that the nodes send.</summary>
internal sealed class RecordingProxy(string target) : NodeProxy(target)
{
    private readonly MemoryStream _sent = new();

    internal byte[] Sent
    {
        get
        {
            lock (_sent)
                return _sent.ToArray();
        }
    }

    protected override bool Passes(ReadOnlySpan<byte> bytes)
    {
        lock (_sent)
            _sent.Write(bytes);
        return true;
    }
}
