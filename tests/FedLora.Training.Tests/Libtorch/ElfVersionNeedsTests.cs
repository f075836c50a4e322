using FedLora.Training.Libtorch;

namespace FedLora.Training.Tests.Libtorch;

public sealed class ElfVersionNeedsTests
{
    private const string File = "libstdc++.so.6";
    private const string Version = "GLIBCXX_3.4.32";

    [Fact]
    public void One_flag_of_one_byte_is_set()
    {
        var before = Library();
        var after = before.ToArray();
        Assert.True(ElfVersionNeeds.TryWeaken(after, File, Version));
        var changed = Assert.Single(Enumerable.Range(0, before.Length), i => before[i] != after[i]);
        Assert.Equal((0, 2), (before[changed], after[changed]));
        // The flags come before the index, and that of this version is 3.
        Assert.Equal(3, after[changed + 2]);
        Assert.True(ElfVersionNeeds.TryWeaken(after, File, Version));
    }

    [Theory]
    [InlineData(File, "GLIBCXX_3.4.33")]
    [InlineData("libc.so.6", Version)]
    public void What_does_not_need_it_is_left_alone(string file, string version)
    {
        var library = Library();
        Assert.False(ElfVersionNeeds.TryWeaken(library, file, version));
        Assert.Equal(Library(), library);
    }

    [Fact]
    public void What_uses_a_symbol_of_that_version_is_refused_and_left_alone()
    {
        var library = Library(relocated: [1, 2]);
        Assert.Contains("uses symbols of that version", Refusal(library), StringComparison.Ordinal);
        Assert.Equal(Library(relocated: [1, 2]), library);
    }

    [Fact]
    public void An_unknown_file_is_refused_in_one_line_that_names_the_systems_that_work()
    {
        foreach (var file in new byte[][] { [], new byte[64], "#!/bin/sh"u8.ToArray(), Library()[..200] })
            Assert.Contains("is no library that is known here", Refusal(file), StringComparison.Ordinal);
    }

    /// <summary>However a file is damaged, the answer is yes, no or the refusal, and it comes.</summary>
    [Fact]
    public void No_damage_breaks_out()
    {
        var whole = Library();
        for (var i = 0; i < whole.Length; i++)
        {
            Try(whole[..i]);
            foreach (var value in new byte[] { 0, 1, 0x7f, 0xff })
            {
                var damaged = whole.ToArray();
                damaged[i] = value;
                Try(damaged);
            }
        }

        static void Try(byte[] file)
        {
            try
            {
                ElfVersionNeeds.TryWeaken(file, File, Version);
            }
            catch (FedLoraException error)
            {
                Assert.Equal("libstdcxx-too-old", error.Code);
            }
        }
    }

    /// <summary>Symbols 1 and 2 are of libc's version and of <see cref="Version"/>.</summary>
    internal static byte[] Library(params int[] relocated) =>
        ElfFile.Make([("libc.so.6", [("GLIBC_2.4", 2)]), (File, [("GLIBCXX_3.4.30", 4), (Version, 3)])], [0, 2, 3],
            relocated.Length == 0 ? [1] : relocated);

    private static string Refusal(byte[] file)
    {
        var error = Assert.Throws<FedLoraException>(() => ElfVersionNeeds.TryWeaken(file, File, Version));
        Assert.Equal("libstdcxx-too-old", error.Code);
        Assert.Contains("Debian 13, Ubuntu 24.04", error.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message + error.Hint);
        return error.Message;
    }
}
