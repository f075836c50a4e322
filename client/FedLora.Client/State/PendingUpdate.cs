using FedLora.Adapters;
using FedLora.Protocol.V1;
using Google.Protobuf;

namespace FedLora.Client.State;

/// <summary>
/// The update of a federation's newest round, on disk before the first byte is sent: a daemon that dies sends it again instead of training
/// again (under privacy a second training would spend a second time). Kept until the next round's update takes its place.
/// </summary>
/// <param name="Header">As it is sent.</param>
/// <param name="AdapterSha256">The global adapter that it was trained from.</param>
/// <param name="Path">The file with its bytes.</param>
public sealed record PendingUpdate(UpdateHeader Header, string AdapterSha256, string Path)
{
    private const string HeaderFile = "update.header";

    /// <summary>Writes the bytes, then the header, which is what makes the update exist.</summary>
    public static PendingUpdate Save(string folder, UpdateHeader header, string adapterSha256, byte[] update)
    {
        var previous = Load(folder);
        var path = System.IO.Path.Combine(folder, $"update-{header.Blob.Sha256}");
        AtomicFile.Write(path, update);
        var record = new PollTaskResponse { WaitingFor = adapterSha256 };
        AtomicFile.Write(System.IO.Path.Combine(folder, HeaderFile), stream =>
        {
            header.WriteDelimitedTo(stream);
            record.WriteDelimitedTo(stream);
        });
        if (previous is not null && previous.Path != path)
            File.Delete(previous.Path);
        return new PendingUpdate(header, adapterSha256, path);
    }

    /// <summary>The update of the newest round, or null.</summary>
    public static PendingUpdate? Load(string folder)
    {
        var file = System.IO.Path.Combine(folder, HeaderFile);
        if (!File.Exists(file))
            return null;
        try
        {
            using var stream = File.OpenRead(file);
            var header = UpdateHeader.Parser.ParseDelimitedFrom(stream);
            var adapter = PollTaskResponse.Parser.ParseDelimitedFrom(stream).WaitingFor;
            var path = System.IO.Path.Combine(folder, $"update-{header.Blob.Sha256}");
            return File.Exists(path) && new FileInfo(path).Length == header.Blob.Size ? new PendingUpdate(header, adapter, path) : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>Whether it answers a task: same round from the same adapter, whatever the attempt.</summary>
    public bool Answers(TrainingTask task) =>
        Header.Federation == task.Federation && Header.Round == task.Round && AdapterSha256 == task.Adapter.Sha256;
}
