namespace FedLora.Core;

/// <summary>What Git leaves in the place of a large file where Git LFS is not installed: a few lines that name it.</summary>
public static class LfsPointer
{
    /// <summary>Whether a file that begins so is one, if it can be no file of its kind: by eight bytes, or more.</summary>
    public static bool MayBeOne(ReadOnlySpan<byte> head) =>
        head.Length >= 8 && head.StartsWith("version https://git-lfs"u8[..Math.Min(head.Length, 23)]);

    /// <summary>What to do about one.</summary>
    public static FedLoraException Refused(string path, string code) =>
        new(code, $"{path} is not the file but what Git LFS has left in its place.",
            "Fetch the file itself: git lfs pull in its folder, or download it again.");
}
