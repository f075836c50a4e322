using System.Text;
using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Tests.Demo;

public sealed class MailReaderTests
{
    [Fact]
    public void Headers_go_and_the_transfer_encoding_is_undone() => Assert.Equal(
        "caf\u00e9 is open",
        Read("From a@b Thu Aug 22 2002\nFrom: a@b\nSubject: secret\nContent-Type: text/plain; "
            + "charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9\nis   open\n"));

    [Fact]
    public void A_mail_without_the_line_of_an_mbox_is_read_too() => Assert.Equal("hello", Read("From: a@b\nSubject: x\n\nhello\n"));

    [Fact]
    public void Of_two_forms_the_plain_text_is_taken()
    {
        const string Mail =
            "From: a@b\nContent-Type: multipart/alternative; boundary=q\n\n--q\nContent-Type: "
                + "text/html\n\n<b>loud</b>\n--q\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\ncXVpZXQ=\n--q--\n";
        Assert.Equal("quiet", Read(Mail));
    }

    [Theory]
    [InlineData("<html><head><title>t</title><style>p{}</style></head><body><p>one</p><p>two &amp; three</p></body></html>",
        "one two & three")]
    [InlineData("via<b>gr</b>a<!-- x --> now<br>here", "viagra now here")]
    [InlineData("<script>if (a < b) alert()</script>ok", "ok")]
    public void Html_becomes_what_it_shows(string html, string shown) =>
        Assert.Equal(shown, Read($"From: a@b\nContent-Type: text/html\n\n{html}\n"));

    [Fact]
    public void A_mail_without_text_is_empty() =>
        Assert.Equal("", Read("From: a@b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n"));

    private static string Read(string mail) => MailReader.ReadText(Encoding.Latin1.GetBytes(mail));
}
