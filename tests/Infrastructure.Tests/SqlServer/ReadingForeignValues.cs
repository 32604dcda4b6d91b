using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>A value that the service never writes is recognised as such, so that it fails one owner or key and no other.</summary>
public sealed class ReadingForeignValues
{
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("[")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("null")]
    public void Workspaces_of_a_key_that_are_no_list_are_unreadable(string stored)
    {
        var column = SqlServerModel.Current.FindEntityType(typeof(ApiKey))!.FindProperty(nameof(ApiKey.Workspaces))!;

        var exception = Record.Exception(() => column.GetTypeMapping().Converter!.ConvertFromProvider(stored));

        Assert.True(exception is not null && AuditRows.AreUnreadable(exception), $"{exception?.GetType()}: {exception?.TargetSite?.DeclaringType}");
    }

    [Fact]
    public void An_id_of_another_length_is_unreadable() =>
        Assert.True(AuditRows.AreUnreadable(Assert.ThrowsAny<Exception>(() => UuidBytes.Read(new byte[15]))));
}
