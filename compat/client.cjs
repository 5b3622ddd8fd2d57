// Asks a page everything that the npm client statuspage.io can ask, and prints the answers as one JSON object.
const {Statuspage} = require('statuspage.io');

async function main(address) {
  const client = new Statuspage('page');
  client.setApiUrl(address);
  const {api} = client;
  const answers = {
    summary: await api.getSummary(),
    status: await api.getStatus(),
    components: await api.getComponents(),
    incidents: await api.incidents.getAll(),
    unresolved: await api.incidents.getUnresolved(),
    maintenances: await api.scheduledMaintenances.getAll(),
    upcoming: await api.scheduledMaintenances.getUpcoming(),
  };
  console.log(JSON.stringify(answers));
}

main(process.argv[2]).catch(error => {
  console.error(String(error));
  process.exit(1);
});
