using Secrets.TestKit;

[assembly: AssemblyFixture(typeof(ApiServer))]
