using System.Security.Cryptography;
using FedLora.Protocol.V1;
using Google.Protobuf;

namespace FedLora.Client.State;

/// <summary>
/// The update of a federation's newest round, on disk before the first byte is sent: a daemon that dies sends it again instead of training
/// again (under privacy a second training would spend a second time). Kept until the next round's update takes its place.
/// </summary>
/// <param name="Header">As it is sent.</param>
/// <param name="Path">The file with its bytes; null where the disk is full, so that they are in memory only.</param>
/// <param name="Bytes">In memory; null where they are in the file.</param>
public sealed record PendingUpdate(UpdateHeader Header, string? Path, byte[]? Bytes = null)
{
    private const string HeaderFile = "update.header";
    private const string SettledFile = "update.settled";

    /// <summary>Writes the bytes, then the header, which is what makes the update exist.</summary>
    public static PendingUpdate Save(string folder, UpdateHeader header, byte[] update)
    {
        var previous = Read(folder);
        var path = PathOf(folder, header);
        AtomicFile.Write(path, update);
        AtomicFile.Write(System.IO.Path.Combine(folder, HeaderFile), header.ToByteArray());
        if (previous is not null && PathOf(folder, previous) is var old && old != path)
            File.Delete(old);
        return new PendingUpdate(header, path);
    }

    /// <summary>The update of the newest round; null if there is none, or its bytes are not what they were.</summary>
    public static PendingUpdate? Load(string folder)
    {
        if (Read(folder) is not { } header || PathOf(folder, header) is var path && !File.Exists(path))
            return null;
        using var file = File.OpenRead(path);
        return file.Length == header.Blob.Size && Convert.ToHexStringLower(SHA256.HashData(file)) == header.Blob.Sha256
            ? new PendingUpdate(header, path) : null;
    }

    /// <summary>The update, where the coordinator has not yet said what becomes of it.</summary>
    public static PendingUpdate? Waiting(string folder)
    {
        var settled = System.IO.Path.Combine(folder, SettledFile);
        return Read(folder) is { } header && !(File.Exists(settled) && File.ReadAllText(settled) == header.Blob.Sha256) ? Load(folder)
            : null;
    }

    /// <summary>The coordinator has it, or does not want it: it is not sent again but for a task that asks for it.</summary>
    /// <exception cref="FedLoraException"><c>file-write-failed</c>.</exception>
    public static void Settle(string folder, UpdateHeader header) =>
        AtomicFile.Write(System.IO.Path.Combine(folder, SettledFile), header.Blob.Sha256);

    /// <summary>Its bytes.</summary>
    public Stream Open() =>
        Path is { } file ? new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read) : new MemoryStream(Bytes!, writable: false);

    /// <summary>Whether it answers a task: same round from the same adapter, whatever the attempt.</summary>
    public bool Answers(TrainingTask task) =>
        Header.Federation == task.Federation && Header.Round == task.Round && Header.AdapterSha256 == task.Adapter.Sha256;

    private static UpdateHeader? Read(string folder)
    {
        var file = System.IO.Path.Combine(folder, HeaderFile);
        if (!File.Exists(file))
            return null;
        try
        {
            return UpdateHeader.Parser.ParseFrom(File.ReadAllBytes(file));
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string PathOf(string folder, UpdateHeader header) => System.IO.Path.Combine(folder, $"update-{header.Blob?.Sha256}");
}
